// A share in percent, by a slider of the browser's own: it has a name, and arrow keys move it.
function render({ model, el }) {
  el.classList.add("om-share");
  const input = Object.assign(document.createElement("input"), { type: "range", max: 100, step: 0.1 });
  const said = document.createElement("output");
  const label = document.createElement("label");
  label.append(`${model.get("label")} `, input, said);
  el.append(label);
  const tell = () => { said.textContent = `${Number(input.value).toFixed(1)} %`; };
  const show = () => {
    input.min = model.get("least");
    input.value = model.get("value");
    tell();
  };
  input.addEventListener("input", tell);
  input.addEventListener("change", () => { model.set("value", Number(input.value)); model.save_changes(); });
  model.on("change:value", show);
  show();
  return () => model.off("change:value", show);
}

export default { render };
