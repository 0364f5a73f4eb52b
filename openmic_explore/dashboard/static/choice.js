// Boxes in groups, of which some can be ticked at a time.
function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function render({ model, el }) {
  el.classList.add("om-choice");
  function draw() {
    const focused = document.activeElement?.closest?.(".om-choice") === el ? document.activeElement.value : null;
    const chosen = model.get("value");
    const full = chosen.length >= model.get("most");
    el.replaceChildren(...model.get("groups").map(([title, options]) => element(
      "fieldset", {}, element("legend", { textContent: title }),
      ...options.map(([value, text]) => {
        const input = element("input", { type: "checkbox", value, checked: chosen.includes(value) });
        input.disabled = full && !input.checked;
        input.addEventListener("change", () => {
          const others = model.get("value").filter((each) => each !== value);
          model.set("value", input.checked ? [...others, value] : others);
          model.save_changes();
          draw();
        });
        return element("label", { className: input.disabled ? "om-off" : "" }, input, text);
      }),
    )));
    if (focused !== null) [...el.querySelectorAll("input")].find((input) => input.value === focused)?.focus();
  }
  draw();
  model.on("change:groups change:value change:most", draw);
  return () => model.off("change:groups change:value change:most", draw);
}

export default { render };
