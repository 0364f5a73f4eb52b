// The clips behind a score: a button each opens it where it can be heard.
function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function line(row, model, known) {
  const button = element("button", { type: "button", textContent: `${row.heard ? "▶ " : ""}${row.key}` });
  button.setAttribute("aria-label", `${row.heard ? "listen to" : "look at"} ${row.key}`);
  button.addEventListener("click", () => {
    model.set("opened", { key: row.key, count: (model.get("opened").count ?? 0) + 1 });
    model.save_changes();
  });
  const percent = Math.round(row.probability * 100);
  const fill = element("span", { className: "om-fill" });
  fill.style.width = `${percent}%`;
  return element(
    "tr", { className: row.wrong ? "om-wrong" : "" },
    element("td", {}, button),
    element("td", {}, element("span", { className: `om-chip om-${row.label}`, textContent: row.label })),
    ...(known ? [element("td", { className: "om-truth", textContent: row.truth ? "sounds" : "–" })] : []),
    element("td", { className: "om-probability" }, element("span", { className: "om-bar" }, fill), element("span", { className: "om-number", textContent: `${percent} %` })),
    element("td", { textContent: row.wrong ? "✖ wrong" : "right" }),
    element("td", { className: "om-others", textContent: row.others }),
  );
}

function render({ model, el }) {
  el.classList.add("om-clips", "om-instruments");
  function draw() {
    const rows = model.get("rows");
    const known = rows.some((row) => row.truth !== null);
    const heads = ["Clip", "Label", ...(known ? ["Truth"] : []), "Model", "Answer", "Labelled present"];
    const head = element("tr", {}, ...heads.map((text) => element("th", { textContent: text, scope: "col" })));
    el.replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows.map((row) => line(row, model, known)))));
  }
  draw();
  model.on("change:rows", draw);
  return () => model.off("change:rows", draw);
}

export default { render };
