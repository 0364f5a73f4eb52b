// Takes a sound from a file or the microphone and hands it to the kernel of this page, piece by piece, and to nobody else.
const CHUNK = 2 ** 20; // a websocket message of Jupyter holds ten times as much
const AHEAD = 4; // pieces on their way before the first has arrived
const DIRECT = /\.(wav|wave|flac|ogg|oga|mp3|aif|aiff|aifc|au|opus)$/i; // what the kernel decodes; the browser decodes the rest
const KEPT = Symbol.for("openmic_explore.sounds"); // for the player
const RATE = 44100;

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Mono 16-bit WAV.
function wav(buffer) {
  const count = buffer.length;
  const bytes = new DataView(new ArrayBuffer(44 + 2 * count));
  const text = (at, word) => [...word].forEach((letter, place) => bytes.setUint8(at + place, letter.charCodeAt(0)));
  text(0, "RIFF"); bytes.setUint32(4, 36 + 2 * count, true); text(8, "WAVEfmt "); bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); bytes.setUint16(22, 1, true); bytes.setUint32(24, buffer.sampleRate, true);
  bytes.setUint32(28, 2 * buffer.sampleRate, true); bytes.setUint16(32, 2, true); bytes.setUint16(34, 16, true);
  text(36, "data"); bytes.setUint32(40, 2 * count, true);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
  for (let place = 0; place < count; place += 1) {
    const sample = channels.reduce((sum, channel) => sum + channel[place], 0) / channels.length;
    bytes.setInt16(44 + 2 * place, Math.round(Math.min(1, Math.max(-1, sample)) * 32767), true);
  }
  return new Blob([bytes.buffer], { type: "audio/wav" });
}

async function decoded(blob) {
  const context = new OfflineAudioContext(1, 1, RATE);
  return wav(await context.decodeAudioData(await blob.arrayBuffer()));
}

function render({ model, el }) {
  el.classList.add("om-input");
  const most = model.get("most_bytes");
  const input = element("input", { type: "file", accept: "audio/*,.wav,.flac,.ogg,.mp3", id: `om-file-${model.model_id ?? ""}` });
  const drop = element("label", { className: "om-drop" },
    element("b", { textContent: "Drop a sound here, or choose a file" }), input,
    element("span", { textContent: `wav, flac, ogg, mp3; up to ${Math.round(model.get("longest") / 60)} minutes` }));
  const record = element("button", { type: "button", className: "om-record", textContent: "● Record" });
  const level = element("meter", { min: 0, max: 1, value: 0, hidden: true });
  level.setAttribute("aria-label", "loudness at the microphone");
  const bar = element("progress", { max: 1, value: 0, hidden: true });
  bar.setAttribute("aria-label", "handing the sound over");
  const said = element("p", { className: "om-said" });
  said.setAttribute("role", "status");
  el.append(drop, element("div", { className: "om-microphone" }, record, level), bar, said);
  const say = (text, wrong = false) => { said.textContent = text; said.classList.toggle("om-wrong", wrong); };

  let current = 0; // a later sound ends the handing over of an earlier one
  let waiting = new Map();
  const answer = (message) => {
    if (message.kind === "got") waiting.get(message.id)?.(message.bytes);
    if (message.kind === "refused") { current += 1; bar.hidden = true; say(message.text, true); }
  };
  model.on("msg:custom", answer);

  async function hand(blob, name) {
    const id = `${Date.now()}-${(current += 1)}`;
    const mine = current;
    const kept = (globalThis[KEPT] ??= new Map());
    kept.clear();
    kept.set(id, blob);
    bar.hidden = false; bar.value = 0;
    say(`Handing ${name} over …`);
    model.send({ kind: "start", id, name, size: blob.size });
    let arrived = 0;
    let wake = () => {};
    waiting = new Map([[id, (bytes) => { arrived = bytes; bar.value = arrived / Math.max(1, blob.size); wake(); }]]);
    for (let sent = 0; sent < blob.size; sent += CHUNK) {
      while (sent - arrived >= AHEAD * CHUNK) await new Promise((resolve) => { wake = resolve; });
      if (mine !== current) return;
      const piece = await blob.slice(sent, sent + CHUNK).arrayBuffer();
      model.send({ kind: "piece", id, at: sent }, undefined, [piece]);
    }
    while (arrived < blob.size) await new Promise((resolve) => { wake = resolve; });
    if (mine !== current) return;
    model.send({ kind: "end", id });
    bar.hidden = true;
    say(`${name}: handed over.`);
  }

  async function take(file) {
    if (!file) return;
    const mega = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
    if (file.size > most) return say(`${file.name} has ${mega(file.size)}, and ${mega(most)} are allowed. Cut it, or save it as mp3 or ogg.`, true);
    if (!file.size) return say(`${file.name} is empty: there is nothing in the file.`, true);
    try {
      if (DIRECT.test(file.name)) return await hand(file, file.name);
      say(`Decoding ${file.name} …`);
      await hand(await decoded(file), file.name);
    } catch (error) {
      say(`${file.name} could not be read as sound by this browser. Save it as wav, flac, ogg or mp3. (${error.message})`, true);
    }
  }
  input.addEventListener("change", () => { take(input.files[0]); input.value = ""; });
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("om-over"); });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("om-over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); });

  let stop = null;
  async function listen() {
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.MediaRecorder) {
      return say("The browser lends a microphone to pages from this machine (localhost) or over https only. Take a file instead.", true);
    }
    let stream;
    try {
      const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }; // made for speech, not music
      stream = await navigator.mediaDevices.getUserMedia({ audio: raw });
    } catch (error) {
      return say(`The microphone was not lent to this page (${error.name}). Allow it in the browser's settings, or take a file.`, true);
    }
    const context = new AudioContext();
    const meter = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(meter);
    const recorder = new MediaRecorder(stream);
    const parts = [];
    const begun = performance.now();
    const heard = new Float32Array(meter.fftSize);
    const look = setInterval(() => {
      meter.getFloatTimeDomainData(heard);
      level.value = Math.min(1, Math.sqrt(heard.reduce((sum, value) => sum + value * value, 0) / heard.length) * 4);
      const seconds = (performance.now() - begun) / 1000;
      say(`Recording: ${seconds.toFixed(0)} s`);
      if (seconds >= model.get("longest")) stop();
    }, 200);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", async () => {
      clearInterval(look);
      for (const track of stream.getTracks()) track.stop();
      context.close();
      level.hidden = true;
      record.textContent = "● Record";
      record.setAttribute("aria-pressed", "false");
      try {
        await hand(await decoded(new Blob(parts, { type: recorder.mimeType })), "recording");
      } catch (error) {
        say(`The recording could not be decoded (${error.message}). Was it longer than a moment?`, true);
      }
    });
    recorder.start();
    level.hidden = false;
    record.textContent = "■ Stop";
    record.setAttribute("aria-pressed", "true");
    stop = () => { stop = null; recorder.stop(); };
  }
  record.addEventListener("click", () => (stop ? stop() : listen()));

  return () => {
    model.off("msg:custom", answer);
    stop?.();
  };
}

export default { render };
