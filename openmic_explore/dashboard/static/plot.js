// A plotly figure. The library comes once for all figures of a page, gzipped, from another widget's binary trait.
const KEPT = Symbol.for("openmic_explore.plotly");
const CONFIG = {
  responsive: false, // resized below, also when a hidden tab opens
  displaylogo: false,
  displayModeBar: "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
};

// Figures come in the colours of the light page.
function inTheDark(part, colours) {
  if (typeof part === "string") return part.replace(/#[0-9a-f]{6}\b/gi, (code) => colours[code.toLowerCase()] ?? code);
  if (Array.isArray(part)) return part.map((each) => inTheDark(each, colours));
  if (part === null || typeof part !== "object" || ArrayBuffer.isView(part) || part instanceof DataView) return part;
  return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, key === "bdata" ? each : inTheDark(each, colours)]));
}

async function load(model) {
  const code = await model.widget_manager.get_model(model.get("library").replace("IPY_MODEL_", ""));
  const colours = Object.fromEntries(Object.entries(code.get("dark")).map(([light, dark]) => [light.toLowerCase(), dark]));
  const stream = new Blob([code.get("code")]).stream().pipeThrough(new DecompressionStream("gzip"));
  const text = await new Response(stream).arrayBuffer();
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const before = window.Plotly; // JupyterLab may have its own
  await import(/* webpackIgnore: true */ url);
  URL.revokeObjectURL(url);
  const ours = window.Plotly;
  if (before) window.Plotly = before;
  return { Plotly: ours, colours };
}

async function render({ model, el }) {
  el.classList.add("om-plot");
  el.dataset.plot = model.get("anchor");
  el.setAttribute("role", "figure"); // not "img": the buttons over it can be reached
  const name = () => el.setAttribute("aria-label", model.get("label"));
  name();
  const graph = document.createElement("div");
  el.append(graph);
  graph.style.minHeight = `${model.get("figure").layout?.height ?? 300}px`;
  globalThis[KEPT] ??= load(model);
  const { Plotly, colours } = await globalThis[KEPT];

  const tell = () => el.dispatchEvent(new CustomEvent("om-drawn", { bubbles: true }));
  const clicked = ({ points: [point] }) => {
    const count = (model.get("clicked").count ?? 0) + 1; // the same point twice is two clicks
    model.set("clicked", { meta: point.data.meta ?? "", customdata: point.customdata ?? null, count });
    model.save_changes();
  };
  // Whoever wants the picture asks for it by a file's name; on white paper, whatever the page's colours are.
  const save = async ({ detail: filename }) => {
    const { data, layout } = structuredClone(model.get("figure"));
    await Plotly.downloadImage({ data, layout }, { format: "png", scale: 2, width: Math.max(el.clientWidth, 700), height: layout.height, filename });
  };
  // plotly leaves a legend that stands under the panels where another width or other entries had put it.
  const settle = () => (graph.layout.legend?.y < 0 ? Plotly.redraw(graph) : graph);
  let drawing = Promise.resolve();
  const draw = () => {
    drawing = drawing.then(async () => {
      // Plotly writes into what it is given; the widget's copy must stay what the kernel sent.
      const figure = structuredClone(model.get("figure"));
      const dark = document.documentElement.dataset.omTheme === "dark";
      const { data, layout } = dark ? inTheDark(figure, colours) : figure;
      graph.style.minHeight = `${layout.height ?? 300}px`;
      await Plotly.react(graph, data, layout, CONFIG);
      await settle();
      if (!el.dataset.drawn) {
        graph.on("plotly_afterplot", tell); // also after a zoom or another width
        graph.on("plotly_click", clicked);
      }
      el.dataset.drawn = String(Number(el.dataset.drawn ?? 0) + 1);
      tell();
    });
    drawing.catch((error) => console.error(error));
  };
  draw();
  model.on("change:figure", draw);
  model.on("change:label", name);
  window.addEventListener("om-theme", draw);
  el.addEventListener("om-save", save);
  let width = el.clientWidth; // what the first drawing uses; 0 in a hidden tab
  const observer = new ResizeObserver(() => {
    if (!el.clientWidth || el.clientWidth === width) return;
    width = el.clientWidth;
    drawing = drawing
      .then(() => graph.isConnected && Plotly.Plots.resize(graph).then(settle))
      .then(tell)
      .catch((error) => console.warn(error)); // the tab was left before its turn came
  });
  observer.observe(el);
  return () => {
    observer.disconnect();
    model.off("change:figure", draw);
    model.off("change:label", name);
    window.removeEventListener("om-theme", draw);
    el.removeEventListener("om-save", save);
    Plotly.purge(graph);
  };
}

export default { render };
