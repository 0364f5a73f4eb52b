// What each run would say of the clip if it ended at the playhead, beside its answer for the whole clip and the label.
function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
const percent = (value) => `${Math.round(value * 100)} %`;

function render({ model, el }) {
  el.classList.add("om-estimates");
  let cells = [];
  let time = 0;

  function heard({ start, step, values }) {
    const ended = Math.min(values.length, Math.floor((time - start) / step + 1e-6));
    return ended < 1 ? null : values[ended - 1];
  }

  function move() {
    for (const { entry, fill, now } of cells) {
      const value = heard(entry);
      now.textContent = value === null ? "–" : percent(value);
      fill.style.width = `${100 * (value ?? 0)}%`;
    }
  }

  function cell(entry) {
    const made = element("td", {});
    if (!entry) return made;
    const fill = element("span", { className: "om-fill" });
    const now = element("span", { className: "om-now" });
    const verdict = { true: " ✓ right", false: " ✗ wrong", null: "" }[entry.right];
    const end = element("span", { className: entry.right === false ? "om-end om-against" : "om-end", textContent: `clip ${percent(entry.clip)}${verdict}` });
    made.append(element("span", { className: "om-bar" }, fill), " now ", now, end);
    cells.push({ entry, fill, now });
    return made;
  }

  function draw() {
    cells = [];
    const { runs, rows } = model.get("table");
    const head = element("tr", {}, ...["Instrument", ...runs].map((text) => Object.assign(element("th", { textContent: text }), { scope: "col" })));
    const body = rows.map(({ name, glyph, colour, dark, label, cells: every }) => {
      const mark = element("span", { className: "om-glyph", textContent: glyph });
      mark.style.setProperty("--light", colour);
      mark.style.setProperty("--dark", dark);
      const chip = element("span", { className: `om-chip om-${label}`, textContent: label });
      const first = element("th", {}, mark, ` ${name} `, chip);
      first.scope = "row";
      return element("tr", {}, first, ...every.map(cell));
    });
    el.replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
    move();
  }

  const clock = (event) => {
    if (event.detail.plot !== model.get("plot")) return;
    time = event.detail.time;
    move();
  };
  document.addEventListener("om-time", clock);
  model.on("change:table", draw);
  draw();
  return () => {
    document.removeEventListener("om-time", clock);
    model.off("change:table", draw);
  };
}

export default { render };
