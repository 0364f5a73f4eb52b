// How a clip's pictures are drawn, folded away; and what is under the pointer: time, frequency, note, value.
// The ends of the colours are moved here, without the kernel: that is a redraw of what the page already has.
const KEPT = Symbol.for("openmic_explore.plotly");
const NOTES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function note(hertz) {
  const semitones = Math.round(12 * Math.log2(hertz / 440)) + 57;
  return NOTES[((semitones % 12) + 12) % 12] + Math.floor(semitones / 12);
}

const hz = (hertz) => `${hertz < 1000 ? hertz.toFixed(1) : hertz.toFixed(0)} Hz`;

function render({ model, el }) {
  el.classList.add("om-picture");
  const box = () => document.querySelector(`[data-plot="${model.get("plot")}"]`);
  const graph = () => box()?.querySelector(".js-plotly-plot");
  const tell = (name, value) => { model.set(name, value); model.save_changes(); };
  const group = (text, ...parts) => {
    const made = element("fieldset", {}, element("legend", { textContent: text }), ...parts);
    return made;
  };

  function boxes() {
    return model.get("offered").map(([name, text]) => {
      const input = element("input", { type: "checkbox", name, checked: model.get("panels").includes(name) });
      input.addEventListener("change", () => {
        const chosen = new Set(model.get("panels"));
        if (input.checked) chosen.add(name);
        else chosen.delete(name);
        tell("panels", model.get("offered").map(([each]) => each).filter((each) => chosen.has(each)));
      });
      return element("label", {}, input, text);
    });
  }

  function select(trait, text, options) {
    const made = element("select", {}, ...options.map(([value, words]) => new Option(words, value)));
    made.value = model.get(trait);
    made.addEventListener("change", () => tell(trait, made.value));
    return element("label", {}, `${text} `, made);
  }

  function tick(trait, text) {
    const input = element("input", { type: "checkbox", checked: model.get(trait) });
    input.addEventListener("change", () => tell(trait, input.checked));
    return element("label", {}, input, text);
  }

  const range = element("output", { className: "om-range" });
  function end(trait, text) {
    const input = element("input", { type: "range", min: -80, max: 0, step: 1, value: model.get(trait) });
    input.addEventListener("input", () => {
      const value = trait === "floor" ? Math.min(input.value, model.get("ceiling") - 5) : Math.max(input.value, model.get("floor") + 5);
      input.value = value;
      model.set(trait, value);
      colour();
    });
    input.addEventListener("change", () => model.save_changes());
    return element("label", {}, `${text} `, input);
  }

  let waiting = 0;
  function colour() {
    range.textContent = `${model.get("floor")} to ${model.get("ceiling")} dB`.replaceAll("-", "−");
    waiting ||= requestAnimationFrame(async () => {
      waiting = 0;
      const drawn = graph();
      if (!drawn?._fullData) return;
      const { Plotly } = await globalThis[KEPT]; // there, since something is drawn
      const [places, low, high] = [[], [], []];
      drawn._fullData.forEach((trace, place) => {
        if (trace.meta?.unit !== "dB") return;
        const level = (value) => (value - trace.meta.low) / (trace.meta.high - trace.meta.low) * 255;
        const [from, to] = [level(model.get("floor")), level(model.get("ceiling"))];
        if (Math.abs(trace.zmin - from) < 1e-6 && Math.abs(trace.zmax - to) < 1e-6) return;
        places.push(place);
        low.push(from);
        high.push(to);
      });
      if (places.length) Plotly.restyle(drawn, { zmin: low, zmax: high }, places);
    });
  }

  const controls = element("div", { className: "om-fields" });
  function fill() {
    const cnns = model.get("cnns");
    controls.replaceChildren(
      group("Panels", ...boxes()),
      group("Layout", tick("beside", "pictures side by side"), tick("tall", "taller pictures")),
      group("Scalogram", select("resolution", "resolution", model.get("resolutions")), tick("pitch", "note names (A4 440)")),
      group("Colours", end("floor", "from"), end("ceiling", "to"), range),
      ...(cnns.length ? [group("CNN’s input", select("cnn", "of", cnns))] : []),
    );
    colour();
  }
  el.append(element("details", {}, element("summary", { textContent: "Picture" }), controls));

  // What is under the pointer.
  const tip = element("div", { className: "om-tip" });
  const cross = element("div", { className: "om-cross" });
  for (const mark of [tip, cross]) mark.setAttribute("aria-hidden", "true");
  const hide = () => { tip.remove(); cross.remove(); };
  function point(event) {
    const [around, drawn] = [box(), graph()];
    if (!drawn?._fullLayout || !around.contains(event.target) || event.buttons) return hide();
    const layout = drawn._fullLayout;
    const outer = drawn.getBoundingClientRect();
    const [left, top] = [event.clientX - outer.left, event.clientY - outer.top];
    for (const trace of drawn._fullData) {
      if (!trace.meta?.frequency) continue;
      const [x, y] = [layout[`xaxis${trace.xaxis.slice(1)}`], layout[`yaxis${trace.yaxis.slice(1)}`]];
      const [across, down] = [left - x._offset, top - y._offset];
      if (across < 0 || across > x._length || down < 0 || down > y._length) continue;
      const time = x.p2l(across);
      const { frequency, low, high, unit } = trace.meta;
      const rows = trace.z.length;
      const row = Math.min(rows - 1, Math.max(0, Math.round(y.p2l(down))));
      const values = trace.z[row];
      const column = Math.round((time - trace.x0) / trace.dx);
      const parts = [`${time.toFixed(2)} s`, `${hz(frequency[row])} (${note(frequency[row])})`];
      if (column >= 0 && column < values.length) {
        const value = low + (values[column] / 255) * (high - low);
        parts.push(`${value.toFixed(unit === "dB" ? 0 : 2)} ${unit}`.replace("-", "−"));
      }
      tip.textContent = parts.join(" · ");
      around.append(tip, cross);
      const width = tip.offsetWidth;
      tip.style.transform = `translate(${left + 14 + width > outer.width ? left - width - 10 : left + 14}px, ${Math.max(0, top - 28)}px)`;
      cross.style.width = `${x._length}px`;
      cross.style.transform = `translate(${x._offset}px, ${top}px)`;
      return;
    }
    hide();
  }
  document.addEventListener("pointermove", point, true);
  document.addEventListener("om-drawn", colour);
  const changes = "change:panels change:beside change:tall change:resolution change:pitch change:cnn change:cnns change:offered";
  const update = () => { if (!controls.contains(document.activeElement)) fill(); };
  model.on(changes, update);
  fill();
  return () => {
    cancelAnimationFrame(waiting);
    hide();
    document.removeEventListener("pointermove", point, true);
    document.removeEventListener("om-drawn", colour);
    model.off(changes, update);
  };
}

export default { render };
