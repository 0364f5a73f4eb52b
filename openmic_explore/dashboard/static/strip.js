// A strip of time whose steps are marked by mouse, finger or keyboard; it follows the sound of the part of the page it is in.
function render({ model, el }) {
  const seconds = () => model.get("seconds");
  const count = model.get("marked").length;
  el.classList.add("om-strip");
  const track = document.createElement("div");
  track.className = "om-track";
  track.setAttribute("role", "listbox");
  track.setAttribute("aria-multiselectable", "true");
  track.setAttribute("aria-orientation", "horizontal");
  const time = (step) => `${((step / count) * seconds()).toFixed(2)}`;
  const cells = Array.from({ length: count }, (_, step) => {
    const cell = document.createElement("div");
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-label", `${time(step)} to ${time(step + 1)} seconds`);
    cell.tabIndex = step ? -1 : 0;
    cell.dataset.step = step;
    return cell;
  });
  const line = document.createElement("div");
  line.className = "om-strip-head";
  line.setAttribute("aria-hidden", "true");
  track.append(...cells, line);
  const scale = document.createElement("div");
  scale.className = "om-scale";
  scale.setAttribute("aria-hidden", "true");
  for (let second = 0; second <= seconds(); second += 1) {
    const tick = document.createElement("span");
    tick.textContent = second === seconds() ? `${second} s` : second;
    tick.style.left = `${(100 * second) / seconds()}%`;
    scale.append(tick);
  }
  el.append(track, scale);

  let marked = [];
  const show = () => {
    const locked = model.get("locked");
    track.setAttribute("aria-label", model.get("label"));
    track.setAttribute("aria-disabled", String(locked));
    cells.forEach((cell, step) => {
      cell.setAttribute("aria-selected", String(marked[step]));
      cell.classList.toggle("om-from", marked[step] && !marked[step - 1]);
    });
  };
  const read = () => { marked = [...model.get("marked")]; show(); };
  const write = () => { model.set("marked", [...marked]); model.save_changes(); };
  const fill = (from, to, value) => {
    for (let step = Math.min(from, to); step <= Math.max(from, to); step += 1) marked[step] = value;
    show();
  };

  let drag = null; // where it began, and whether it marks or clears
  const at = (event) => {
    const box = track.getBoundingClientRect();
    return Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * count)));
  };
  track.addEventListener("pointerdown", (event) => {
    if (model.get("locked") || event.button !== 0) return;
    const step = at(event);
    drag = { from: step, value: !marked[step], before: [...marked] };
    fill(step, step, drag.value);
    focus(step);
    track.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  track.addEventListener("pointermove", (event) => {
    if (!drag) return;
    marked = [...drag.before];
    fill(drag.from, at(event), drag.value);
  });
  const end = () => { if (drag) { drag = null; write(); } };
  track.addEventListener("pointerup", end);
  track.addEventListener("pointercancel", end);

  function focus(step) {
    for (const cell of cells) cell.tabIndex = -1;
    cells[step].tabIndex = 0;
    cells[step].focus();
  }
  track.addEventListener("keydown", (event) => {
    const here = Number(event.target.dataset.step);
    if (Number.isNaN(here) || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: count - 1 }[event.key];
    if (to !== undefined) {
      const next = Math.min(count - 1, Math.max(0, to));
      if (event.shiftKey && !model.get("locked")) { fill(here, next, true); write(); }
      focus(next);
    } else if (event.key === " " || event.key === "Enter") {
      if (!model.get("locked")) { fill(here, here, !marked[here]); write(); }
    } else return;
    event.preventDefault();
    event.stopPropagation(); // the player has the same keys
  });

  // The sound is another widget's: whatever plays beside the strip.
  let frame = 0;
  const sound = () => el.closest(".om-sound")?.querySelector("audio");
  const follow = () => {
    const audio = sound();
    line.style.visibility = audio?.currentSrc && audio.currentTime > 0 ? "visible" : "hidden";
    if (audio) line.style.left = `${(100 * audio.currentTime) / seconds()}%`;
    frame = audio && !audio.paused ? requestAnimationFrame(follow) : 0;
  };
  const wake = (event) => { if (event.target === sound() && !frame) frame = requestAnimationFrame(follow); };
  for (const name of ["play", "seeked", "emptied", "timeupdate"]) document.addEventListener(name, wake, true);
  model.on("change:marked", read);
  model.on("change:locked", show);
  model.on("change:label", show);
  read();
  return () => {
    cancelAnimationFrame(frame);
    for (const name of ["play", "seeked", "emptied", "timeupdate"]) document.removeEventListener(name, wake, true);
    model.off("change:marked", read);
    model.off("change:locked", show);
    model.off("change:label", show);
  };
}

export default { render };
