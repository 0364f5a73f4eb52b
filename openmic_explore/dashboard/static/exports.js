// What is shown, to take along: the numbers, the picture, and the address that opens the same view again.
function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function render({ model, el }) {
  el.classList.add("om-exports");
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  const field = Object.assign(document.createElement("input"), { type: "text", readOnly: true, hidden: true, ariaLabel: "link to this view" });
  const button = (text, title, act) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, title });
    made.addEventListener("click", act);
    return made;
  };
  const copy = async () => {
    field.hidden = true;
    try {
      await navigator.clipboard.writeText(location.href);
      said.textContent = "Link copied.";
    } catch { // forbidden, or not a secure page
      Object.assign(field, { value: location.href, hidden: false });
      field.select();
      said.textContent = "Copy this:";
    }
  };
  const picture = () => {
    const plot = document.querySelector(`[data-plot="${model.get("plot")}"]`);
    plot?.dispatchEvent(new CustomEvent("om-save", { detail: model.get("name") }));
  };
  const saves = [
    button("Save CSV", "the numbers behind this picture, as a table", () => model.send({ ask: "csv" })),
    button("Save PNG", "this picture, on white paper", picture),
  ];
  el.append(...saves, button("Copy link", "an address that opens this view again", copy), said, field);
  const show = () => saves.forEach((each) => (each.disabled = !model.get("ready")));
  show();
  model.on("change:ready", show);
  const answer = (message) => message.csv !== undefined && download(`${model.get("name")}.csv`, message.csv);
  model.on("msg:custom", answer);
  return () => {
    model.off("change:ready", show);
    model.off("msg:custom", answer);
  };
}

export default { render };
