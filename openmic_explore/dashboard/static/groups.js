// Groups of seeds: a box each chooses whether it is drawn, its marker is the legend.
function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function heading(text, columns) {
  const cell = element("th", { textContent: text, colSpan: columns, scope: "rowgroup" });
  return element("tr", { className: "om-heading" }, cell);
}

function line(row, model, full) {
  const box = element("input", { type: "checkbox", checked: row.shown, disabled: full && !row.shown });
  box.addEventListener("change", () => {
    const chosen = model.get("chosen").filter((key) => key !== row.key);
    if (box.checked) chosen.push(row.key);
    model.set("chosen", chosen);
    model.save_changes();
  });
  const glyph = element("span", { className: "om-glyph", textContent: row.glyph });
  glyph.setAttribute("aria-hidden", "true");
  glyph.style.setProperty("--om-light", row.colour);
  glyph.style.setProperty("--om-dark", row.dark);
  const made = element(
    "tr", { className: row.shown ? "om-shown" : "" },
    element("td", {}, element("label", {}, box, glyph, element("span", { textContent: row.label }))),
    element("td", { className: "om-figure", textContent: row.seeds }),
    element("td", { className: "om-figure", textContent: row.value }),
  );
  made.dataset.group = row.key;
  return made;
}

function render({ model, el }) {
  el.classList.add("om-groups");
  function draw() {
    const focused = document.activeElement?.closest?.(".om-groups tr")?.dataset.group;
    const scrolled = el.scrollTop;
    const rows = model.get("rows");
    const full = rows.filter((row) => row.shown).length >= model.get("most");
    const head = element("tr", {}, ...["Run", "Seeds", model.get("heading")].map((text, place) =>
      element("th", { textContent: text, scope: "col", className: place ? "om-figure" : "" })));
    const body = element("tbody");
    let under = "";
    for (const row of rows) {
      if (row.heading !== under) body.append(heading(row.heading, 3));
      under = row.heading;
      body.append(line(row, model, full));
    }
    el.replaceChildren(element("table", {}, element("thead", {}, head), body));
    el.scrollTop = scrolled;
    if (focused) [...el.querySelectorAll("tr")].find((row) => row.dataset.group === focused)?.querySelector("input").focus();
  }
  draw();
  model.on("change:rows", draw);
  return () => model.off("change:rows", draw);
}

export default { render };
