// Plays a clip and moves a line over every panel of a plotly figure, in step with the sound's own clock.
const seconds = (time) => time.toFixed(1);

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function render({ model, el }) {
  el.classList.add("om-player");
  const audio = element("audio", { preload: "auto" });
  const button = element("button", { type: "button", className: "om-play" });
  const seek = element("input", { type: "range", className: "om-seek", min: 0, step: 0.01, value: 0 });
  const clock = element("output", { className: "om-clock" });
  const volume = element("input", { type: "range", className: "om-volume", min: 0, max: 1, step: 0.05, value: 0.9 });
  seek.setAttribute("aria-label", "time in the clip");
  const hint = element("span", { className: "om-hint", textContent: "space: play · ←→: 1 s · click: jump · drag: zoom" });
  el.append(audio, button, clock, seek, element("label", { className: "om-vol" }, "volume ", volume), hint);
  audio.volume = volume.value;

  let url = null;
  let frame = 0;
  const lines = new Map(); // plot container -> its playhead

  const length = () => (Number.isFinite(audio.duration) ? audio.duration : model.get("duration"));
  const ready = () => model.get("audio")?.byteLength > 0;

  function graphs() {
    return [...document.querySelectorAll(`[data-plot="${model.get("plot")}"]`)].map((box) => [
      box,
      box.querySelector(".js-plotly-plot"),
    ]).filter(([, graph]) => graph?._fullLayout?.xaxis);
  }

  function place() {
    const time = audio.currentTime;
    for (const [box, graph] of graphs()) {
      let line = lines.get(box);
      if (!line?.isConnected) {
        line = element("div", { className: "om-playhead" });
        line.setAttribute("aria-hidden", "true");
        box.append(line);
        lines.set(box, line);
      }
      const layout = graph._fullLayout;
      const axis = layout.xaxis;
      const x = axis.l2p(time);
      const rows = Object.keys(layout).filter((key) => /^yaxis\d*$/.test(key)).map((key) => layout[key]);
      const top = Math.min(...rows.map((row) => row._offset));
      const bottom = Math.max(...rows.map((row) => row._offset + row._length));
      line.style.visibility = x < -0.5 || x > axis._length + 0.5 ? "hidden" : "visible";
      line.style.height = `${bottom - top}px`;
      line.style.transform = `translate(${axis._offset + x}px, ${top}px)`;
      line.dataset.time = time.toFixed(3);
    }
    if (document.activeElement !== seek || !audio.paused) seek.value = time;
    if (!audio.error) clock.textContent = `${seconds(time)} / ${seconds(length())} s`;
  }

  function tick() {
    place();
    frame = audio.paused ? 0 : requestAnimationFrame(tick);
  }

  function show() {
    const playing = !audio.paused;
    button.textContent = playing ? "❚❚ Pause" : "▶ Play";
    button.setAttribute("aria-pressed", String(playing));
    button.disabled = seek.disabled = !ready();
    if (playing && !frame) frame = requestAnimationFrame(tick);
    place();
  }

  function toggle() {
    if (!ready()) return;
    if (!audio.paused) return audio.pause();
    if (audio.ended || audio.currentTime >= length() - 0.05) audio.currentTime = 0;
    audio.play().catch((error) => { clock.textContent = `cannot play: ${error.message}`; });
  }

  function jump(time) {
    if (!ready()) return;
    audio.currentTime = Math.min(Math.max(0, time), length());
    place();
  }

  function source() {
    audio.pause();
    if (url) URL.revokeObjectURL(url);
    url = null;
    if (ready()) {
      url = URL.createObjectURL(new Blob([model.get("audio")], { type: model.get("mime") }));
      audio.src = url;
    } else {
      audio.removeAttribute("src");
      audio.load();
    }
    seek.max = model.get("duration");
    el.dataset.clip = model.get("clip");
    el.dataset.bytes = String(model.get("audio")?.byteLength ?? 0);
    show();
  }

  // A click is a press and a release in one spot; plotly's own click event fires only over a drawn point.
  let pressed = null;
  const down = (event) => {
    pressed = null;
    for (const [box, graph] of graphs()) {
      if (event.button === 0 && box.contains(event.target) && !event.target.closest(".modebar")) {
        pressed = { graph, x: event.clientX, y: event.clientY };
      }
    }
  };
  const up = (event) => {
    if (!pressed || Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 4) return;
    const axis = pressed.graph._fullLayout.xaxis;
    const x = event.clientX - pressed.graph.getBoundingClientRect().left - axis._offset;
    if (x >= 0 && x <= axis._length) jump(axis.p2l(x));
  };
  const key = (event) => {
    const target = event.target;
    const here = target === document.body || target.closest?.(".om-page");
    const busy = target.closest?.("input:not([type=range]):not([type=checkbox]), select, textarea, button, [role=tab], [contenteditable=true]");
    if (!here || busy || event.ctrlKey || event.metaKey || event.altKey || !el.offsetParent) return;
    if (event.key === " " && target.type !== "checkbox") toggle();
    else if (event.key === "ArrowLeft" && target.type !== "range") jump(audio.currentTime - 1);
    else if (event.key === "ArrowRight" && target.type !== "range") jump(audio.currentTime + 1);
    else return;
    event.preventDefault();
  };

  button.addEventListener("click", toggle);
  seek.addEventListener("input", () => jump(Number(seek.value)));
  volume.addEventListener("input", () => { audio.volume = volume.value; });
  for (const name of ["play", "pause", "ended", "seeked", "loadedmetadata"]) audio.addEventListener(name, show);
  audio.addEventListener("error", () => {
    if (ready()) clock.textContent = "This browser cannot play the sound (Ogg Vorbis): use Chrome, Firefox or a new Safari.";
  });
  document.addEventListener("pointerdown", down, true);
  document.addEventListener("pointerup", up, true);
  document.addEventListener("keydown", key);
  document.addEventListener("om-drawn", place);
  const observer = new ResizeObserver(place);
  observer.observe(el);
  model.on("change:audio", source);
  source();

  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    document.removeEventListener("pointerdown", down, true);
    document.removeEventListener("pointerup", up, true);
    document.removeEventListener("keydown", key);
    document.removeEventListener("om-drawn", place);
    model.off("change:audio", source);
    audio.pause();
    if (url) URL.revokeObjectURL(url);
    for (const line of lines.values()) line.remove();
  };
}

export default { render };
