// A plotly figure. The library comes once for all figures of a page, gzipped, from another widget's binary trait.
const KEPT = Symbol.for("openmic_explore.plotly");
const CONFIG = {
  responsive: false, // resized below, also when a hidden tab opens
  displaylogo: false,
  displayModeBar: "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
};

async function load(model) {
  const code = await model.widget_manager.get_model(model.get("library").replace("IPY_MODEL_", ""));
  const stream = new Blob([code.get("code")]).stream().pipeThrough(new DecompressionStream("gzip"));
  const text = await new Response(stream).arrayBuffer();
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const before = window.Plotly; // JupyterLab may have its own
  await import(/* webpackIgnore: true */ url);
  URL.revokeObjectURL(url);
  const ours = window.Plotly;
  if (before) window.Plotly = before;
  return ours;
}

async function render({ model, el }) {
  el.classList.add("om-plot");
  el.dataset.plot = model.get("anchor");
  el.setAttribute("role", "img");
  const name = () => el.setAttribute("aria-label", model.get("label"));
  name();
  const graph = document.createElement("div");
  el.append(graph);
  graph.style.minHeight = `${model.get("figure").layout?.height ?? 300}px`;
  globalThis[KEPT] ??= load(model);
  const Plotly = await globalThis[KEPT];

  const tell = () => el.dispatchEvent(new CustomEvent("om-drawn", { bubbles: true }));
  let drawing = Promise.resolve();
  const draw = () => {
    drawing = drawing.then(async () => {
      // Plotly writes into what it is given; the widget's copy must stay what the kernel sent.
      const { data, layout } = structuredClone(model.get("figure"));
      graph.style.minHeight = `${layout.height ?? 300}px`;
      await Plotly.react(graph, data, layout, CONFIG);
      if (!el.dataset.drawn) graph.on("plotly_afterplot", tell); // also after a zoom or another width
      el.dataset.drawn = String(Number(el.dataset.drawn ?? 0) + 1);
      tell();
    });
    drawing.catch((error) => console.error(error));
  };
  draw();
  model.on("change:figure", draw);
  model.on("change:label", name);
  let width = el.clientWidth; // what the first drawing uses; 0 in a hidden tab
  const observer = new ResizeObserver(() => {
    if (!el.clientWidth || el.clientWidth === width) return;
    width = el.clientWidth;
    drawing = drawing
      .then(() => graph.isConnected && Plotly.Plots.resize(graph))
      .then(tell)
      .catch((error) => console.warn(error)); // the tab was left before its turn came
  });
  observer.observe(el);
  return () => {
    observer.disconnect();
    model.off("change:figure", draw);
    model.off("change:label", name);
    Plotly.purge(graph);
  };
}

export default { render };
