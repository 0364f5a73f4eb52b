// Light, dark, or as the browser or JupyterLab has it. The page's root says which; figures are redrawn on "om-theme".
const KEPT = "openmic_explore.theme";
const CHOICES = { auto: "as the system", light: "light", dark: "dark" };

function kept() {
  try { return localStorage.getItem(KEPT) ?? "auto"; } catch { return "auto"; } // storage may be forbidden
}

function wanted(choice) {
  if (choice !== "auto") return choice;
  const { jpThemeLight, voila } = document.body.dataset;
  // Voila's page always says that its theme is light.
  if (jpThemeLight && !voila) return jpThemeLight === "false" ? "dark" : "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function render({ el }) {
  const select = document.createElement("select");
  for (const [value, text] of Object.entries(CHOICES)) select.append(new Option(text, value));
  select.value = kept();
  const label = document.createElement("label");
  label.append("Colours ", select);
  el.classList.add("om-theme");
  el.append(label);
  const apply = () => {
    const theme = wanted(select.value);
    if (document.documentElement.dataset.omTheme === theme) return;
    document.documentElement.dataset.omTheme = theme;
    window.dispatchEvent(new Event("om-theme"));
  };
  select.addEventListener("change", () => {
    try { localStorage.setItem(KEPT, select.value); } catch { /* then it lasts as long as the page */ }
    apply();
  });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", apply);
  const lab = new MutationObserver(apply);
  lab.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  apply();
  return () => { system.removeEventListener("change", apply); lab.disconnect(); };
}

export default { render };
