// Plays a clip and moves a line over every panel of a plotly figure, in step with the sound's own clock. A stretch can be
// repeated; it is marked on the figure.
const seconds = (time) => time.toFixed(1);
const SOUNDS = Symbol.for("openmic_explore.sounds"); // what the browser has itself, by name: see sound.js
const HINT = "space: play · ←→: 1 s, with shift .1 s · Home, End · [ and ]: loop from, to here · click: jump · drag: zoom · shift+drag: loop";

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const button = (text, label) => {
  const made = element("button", { type: "button", textContent: text, className: "om-small" });
  if (label) made.title = label;
  return made;
};

// Panels of a graph: one above the other make one block; those beside each other one each.
function blocks(graph) {
  const layout = graph._fullLayout;
  const panels = Object.keys(layout).filter((key) => /^xaxis\d*$/.test(key)).map((key) => {
    const x = layout[key];
    const y = layout[`yaxis${x.anchor.slice(1)}`];
    return { x, top: y._offset, bottom: y._offset + y._length };
  }).sort((one, other) => one.top - other.top || one.x._offset - other.x._offset);
  const found = [];
  for (const panel of panels) {
    const same = found.find((block) => !block.closed && block.x._offset === panel.x._offset && block.x._length === panel.x._length);
    if (same) same.bottom = Math.max(same.bottom, panel.bottom);
    else {
      for (const block of found) {
        const apart = block.x._offset >= panel.x._offset + panel.x._length || panel.x._offset >= block.x._offset + block.x._length;
        if (!apart) block.closed = true;
      }
      found.push(panel);
    }
  }
  return found;
}

function render({ model, el }) {
  el.classList.add("om-player");
  const audio = element("audio", { preload: "auto" });
  audio.preservesPitch = true;
  const play = element("button", { type: "button", className: "om-play" });
  const seek = element("input", { type: "range", className: "om-seek", min: 0, step: 0.01, value: 0 });
  const clock = element("output", { className: "om-clock" });
  const volume = element("input", { type: "range", className: "om-volume", min: 0, max: 1, step: 0.05, value: 0.9 });
  const speed = element("input", { type: "range", className: "om-speed", min: 0.5, max: 1.5, step: 0.05, value: 1 });
  const pace = element("output", { className: "om-pace" });
  seek.setAttribute("aria-label", "time in the clip");
  speed.setAttribute("aria-label", "speed; the pitch stays");
  const from = button("loop from here", "the repeated stretch begins at the playhead; key [");
  const to = button("to here", "the repeated stretch ends at the playhead; key ]");
  const off = button("no loop");
  const stretch = element("output", { className: "om-stretch" });
  const keys = element("details", { className: "om-keys" }, element("summary", { textContent: "keys" }), element("p", { textContent: HINT }));
  el.append(
    audio,
    element("div", { className: "om-row" }, play, clock, seek),
    element(
      "div", { className: "om-row om-second" }, element("span", { className: "om-loops" }, from, to, off, stretch),
      element("label", { className: "om-vol" }, "speed ", speed, pace), element("label", { className: "om-vol" }, "volume ", volume), keys,
    ),
  );
  audio.volume = volume.value;

  let url = null;
  let frame = 0;
  let last = 0; // the time at the last look, to see the loop's end go by
  let loop = null; // [from, to] in seconds
  const marks = new Map(); // plot container -> what lies over it

  const length = () => (Number.isFinite(audio.duration) ? audio.duration : model.get("duration"));
  const local = () => globalThis[SOUNDS]?.get(model.get("local"));
  const ready = () => model.get("audio")?.byteLength > 0 || Boolean(local());
  const within = (time) => Math.min(Math.max(0, time), length());

  function graphs() {
    return [...document.querySelectorAll(`[data-plot="${model.get("plot")}"]`)].map((box) => [
      box,
      box.querySelector(".js-plotly-plot"),
    ]).filter(([, graph]) => graph?._fullLayout?.xaxis);
  }

  // As many marks of a kind over a plot as it has blocks.
  function over(box, kind, count) {
    if (!marks.has(box)) marks.set(box, {});
    const lines = (marks.get(box)[kind] ??= []);
    while (lines.length > count) lines.pop().remove();
    for (let place = 0; place < count; place++) {
      if (lines[place]?.isConnected) continue;
      lines[place] = element("div", { className: kind });
      lines[place].setAttribute("aria-hidden", "true");
      box.append(lines[place]);
    }
    return lines;
  }

  function put(line, block, begin, end) {
    const [left, right] = [block.x.l2p(begin), block.x.l2p(end)];
    const seen = right >= -0.5 && left <= block.x._length + 0.5;
    line.style.visibility = seen ? "visible" : "hidden";
    line.style.height = `${block.bottom - block.top}px`;
    const edge = Math.max(left, 0);
    if (end > begin) line.style.width = `${Math.max(0, Math.min(right, block.x._length) - edge)}px`;
    line.style.transform = `translate(${block.x._offset + (end > begin ? edge : left)}px, ${block.top}px)`;
  }

  function place() {
    const time = audio.currentTime;
    for (const [box, graph] of graphs()) {
      const parts = blocks(graph);
      over(box, "om-playhead", parts.length).forEach((line, at) => {
        put(line, parts[at], time, time);
        line.dataset.time = time.toFixed(3);
      });
      over(box, "om-loop", loop ? parts.length : 0).forEach((line, at) => put(line, parts[at], ...loop));
    }
    if (document.activeElement !== seek || !audio.paused) seek.value = time;
    if (!audio.error) clock.textContent = `${seconds(time)} / ${seconds(length())} s`;
    el.dispatchEvent(new CustomEvent("om-time", { bubbles: true, detail: { plot: model.get("plot"), time } }));
  }

  function turn() {
    const time = audio.currentTime;
    if (loop && !audio.paused && last < loop[1] && time >= loop[1]) audio.currentTime = loop[0];
    last = audio.currentTime;
  }

  function tick() {
    turn();
    place();
    frame = audio.paused ? 0 : requestAnimationFrame(tick);
  }

  function show() {
    const playing = !audio.paused;
    play.textContent = playing ? "❚❚ Pause" : "▶ Play";
    for (const control of [play, seek, speed, from, to]) control.disabled = !ready();
    off.hidden = !loop;
    stretch.textContent = loop ? `${loop[0].toFixed(2)} to ${loop[1].toFixed(2)} s` : "";
    pace.textContent = `${Number(speed.value).toFixed(2)}×`;
    if (playing && !frame) frame = requestAnimationFrame(tick);
    place();
  }

  function toggle() {
    if (!ready()) return;
    if (!audio.paused) return audio.pause();
    if (audio.ended || audio.currentTime >= length() - 0.05) jump(loop ? loop[0] : 0);
    audio.play().catch((error) => { clock.textContent = `cannot play: ${error.message}`; });
  }

  function jump(time) {
    if (!ready()) return;
    last = audio.currentTime = within(time);
    place();
  }

  function repeat(begin, end) {
    [begin, end] = [within(Math.min(begin, end)), within(Math.max(begin, end))];
    loop = end - begin >= 0.05 ? [begin, end] : null;
    if (loop && (audio.currentTime < loop[0] || audio.currentTime > loop[1])) jump(loop[0]);
    show();
  }
  const loopFrom = () => repeat(audio.currentTime, loop && loop[1] > audio.currentTime ? loop[1] : length());
  const loopTo = () => repeat(loop && loop[0] < audio.currentTime ? loop[0] : 0, audio.currentTime);
  const noLoop = () => { loop = null; show(); };

  const measure = () => { seek.max = length(); };
  function source() {
    audio.pause();
    if (url) URL.revokeObjectURL(url);
    url = null;
    loop = null;
    last = 0;
    if (ready()) {
      url = URL.createObjectURL(local() ?? new Blob([model.get("audio")], { type: model.get("mime") }));
      audio.src = url;
      audio.playbackRate = audio.defaultPlaybackRate = speed.value;
    } else {
      audio.removeAttribute("src");
      audio.load();
    }
    measure();
    el.dataset.clip = model.get("clip");
    el.dataset.bytes = String(model.get("audio")?.byteLength ?? 0);
    show();
  }

  // Where on the time axis a pointer is; null outside of all panels.
  function timeAt(graph, event) {
    const box = graph.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const block = blocks(graph).find((one) => x >= one.x._offset && x <= one.x._offset + one.x._length && y >= one.top && y <= one.bottom);
    return block ? block.x.p2l(x - block.x._offset) : null;
  }

  // A click is a press and a release in one spot; plotly's own click event fires only over a drawn point.
  let pressed = null;
  const down = (event) => {
    pressed = null;
    for (const [box, graph] of graphs()) {
      if (event.button !== 0 || !box.contains(event.target) || event.target.closest(".modebar")) continue;
      const time = timeAt(graph, event);
      pressed = { graph, x: event.clientX, y: event.clientY, time, shift: event.shiftKey && time !== null };
    }
  };
  // With shift, plotly would pan.
  const mouse = (event) => {
    if (!pressed?.shift) return;
    event.stopPropagation();
    event.preventDefault();
  };
  const move = (event) => {
    if (!pressed?.shift || !ready()) return;
    const time = timeAt(pressed.graph, event);
    if (time !== null) repeat(pressed.time, time);
  };
  const up = (event) => {
    if (!pressed || Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 4) { pressed = null; return; }
    const { graph, shift } = pressed;
    pressed = null;
    const time = timeAt(graph, event);
    if (time === null) return;
    if (shift) noLoop();
    else jump(time);
  };
  const ACTIONS = {
    " ": toggle,
    ArrowLeft: (event) => jump(audio.currentTime - (event.shiftKey ? 0.1 : 1)),
    ArrowRight: (event) => jump(audio.currentTime + (event.shiftKey ? 0.1 : 1)),
    Home: () => jump(0),
    End: () => jump(length()),
    "[": loopFrom,
    "]": loopTo,
  };
  const key = (event) => {
    const { target } = event;
    const here = target === document.body || target.closest?.(".om-page");
    if (!here || event.ctrlKey || event.metaKey || event.altKey || !el.offsetParent || !(event.key in ACTIONS)) return;
    if (target.closest?.("input:not([type=range]):not([type=checkbox]):not([type=radio]), select, textarea, [role=tab], [contenteditable=true]")) return;
    // Space presses what has the focus; other sliders have a use for the arrows.
    if (event.key === " " && target.closest?.("button, summary, input:not([type=range])")) return;
    if (event.key !== " " && target !== seek && target.matches?.("input[type=range], input[type=radio]")) return;
    event.preventDefault();
    ACTIONS[event.key](event);
  };

  play.addEventListener("click", toggle);
  seek.addEventListener("input", () => jump(Number(seek.value)));
  volume.addEventListener("input", () => { audio.volume = volume.value; });
  speed.addEventListener("input", () => { audio.playbackRate = audio.defaultPlaybackRate = speed.value; show(); });
  from.addEventListener("click", loopFrom);
  to.addEventListener("click", loopTo);
  off.addEventListener("click", noLoop);
  for (const name of ["play", "pause", "ended", "seeked", "loadedmetadata"]) audio.addEventListener(name, show);
  audio.addEventListener("durationchange", measure);
  audio.addEventListener("timeupdate", turn); // no frames are drawn while the page is hidden
  audio.addEventListener("ended", () => { if (loop) { jump(loop[0]); audio.play(); } });
  audio.addEventListener("error", () => {
    if (!ready()) return;
    clock.textContent = local()
      ? "This browser cannot play this file; what is heard in it shows all the same."
      : "This browser cannot play the sound (Ogg Vorbis): use Chrome, Firefox or a new Safari.";
  });
  const listeners = [["pointerdown", down], ["mousedown", mouse], ["pointermove", move], ["pointerup", up]];
  for (const [name, action] of listeners) document.addEventListener(name, action, true);
  document.addEventListener("keydown", key);
  document.addEventListener("om-drawn", place);
  const observer = new ResizeObserver(() => {
    if (!el.offsetParent) audio.pause(); // another view was opened
    place();
  });
  observer.observe(el);
  model.on("change:audio", source);
  model.on("change:local", source);
  source();

  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    for (const [name, action] of listeners) document.removeEventListener(name, action, true);
    document.removeEventListener("keydown", key);
    document.removeEventListener("om-drawn", place);
    model.off("change:audio", source);
    model.off("change:local", source);
    audio.pause();
    if (url) URL.revokeObjectURL(url);
    for (const kinds of marks.values()) for (const lines of Object.values(kinds)) for (const line of lines) line.remove();
  };
}

export default { render };
