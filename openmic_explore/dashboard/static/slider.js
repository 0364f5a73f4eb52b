// A labelled slider with its value beside it; ipywidgets' own has no name that a screen reader could say.
function render({ model, el }) {
  el.classList.add("om-slider");
  const input = Object.assign(document.createElement("input"), {
    type: "range", min: model.get("min"), max: model.get("max"), step: model.get("step"),
  });
  const output = document.createElement("output");
  const label = document.createElement("label");
  label.append(model.get("description"), input, output);
  el.append(label);
  const tell = () => (output.textContent = Number(input.value).toFixed(2));
  const show = () => {
    if (Math.abs(Number(input.value) - model.get("value")) > 1e-9) input.value = model.get("value");
    input.disabled = model.get("disabled");
    tell();
  };
  input.addEventListener("input", () => {
    tell();
    model.set("value", Number(input.value)); // sent when the kernel is done with the one before
    model.save_changes();
  });
  show();
  model.on("change:value change:disabled", show);
  return () => model.off("change:value change:disabled", show);
}

export default { render };
