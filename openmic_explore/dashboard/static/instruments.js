// The twenty instruments of a clip: label, truth and the model's probability; the box chooses whose lines are drawn.
const WORDS = { present: "present", absent: "absent", unknown: "unknown" };

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function row(entry, model, known, judged) {
  const box = element("input", { type: "checkbox", checked: entry.shown, className: "om-box" });
  const name = entry.name.replaceAll("_", " ");
  box.addEventListener("change", () => {
    const shown = new Set(model.get("shown"));
    if (box.checked) shown.add(entry.name);
    else shown.delete(entry.name);
    model.set("shown", [...shown]);
    model.save_changes();
  });
  const glyph = element("span", { className: "om-glyph", textContent: entry.glyph ?? "" });
  glyph.style.setProperty("--light", entry.colour ?? "transparent");
  glyph.style.setProperty("--dark", entry.dark ?? entry.colour ?? "transparent");
  const label = element("span", { className: `om-chip om-${entry.label}`, textContent: WORDS[entry.label] });
  const truth = element("td", { className: "om-truth", textContent: { true: "sounds", false: "–", null: "" }[entry.truth] });
  const bar = element("td", { className: "om-probability" });
  if (entry.probability !== null) {
    const percent = Math.round(entry.probability * 100);
    const fill = element("span", { className: "om-fill" });
    fill.style.width = `${percent}%`;
    bar.append(element("span", { className: "om-bar" }, fill), element("span", { className: "om-number", textContent: `${percent} %` }));
    bar.classList.toggle("om-wrong", entry.label !== "unknown" && (entry.probability >= 0.5) !== (entry.label === "present"));
  }
  const line = element(
    "tr", { className: entry.shown ? "om-shown" : "" },
    element("td", {}, element("label", { title: `draw the lines of ${name}` }, box, glyph, name)),
    element("td", {}, label), ...(known ? [truth] : []), ...(judged ? [bar] : []),
  );
  line.dataset.instrument = entry.name;
  return line;
}

function render({ model, el }) {
  el.classList.add("om-instruments");
  function draw() {
    const focused = document.activeElement?.closest?.("tr")?.dataset.instrument;
    const rows = model.get("rows");
    const known = rows.some((entry) => entry.truth !== null);
    const judged = rows.some((entry) => entry.probability !== null);
    const head = element("tr", {}, ...["Instrument", "Label", ...(known ? ["Truth"] : []), ...(judged ? ["Model"] : [])].map((text) => {
      const cell = element("th", { textContent: text });
      cell.scope = "col";
      return cell;
    }));
    const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows.map((entry) => row(entry, model, known, judged))));
    el.replaceChildren(table);
    if (focused) el.querySelector(`tr[data-instrument="${focused}"] input`)?.focus();
  }
  draw();
  model.on("change:rows", draw);
  return () => model.off("change:rows", draw);
}

export default { render };
