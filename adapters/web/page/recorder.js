// A voice message: what the microphone hears, as one file.

const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"]; // the best first
const ENDINGS = { "audio/ogg": "ogg", "audio/webm": "webm", "audio/mp4": "m4a" };
const LONGEST = 300_000; // milliseconds; as a wave that is just below what Coze writes down, 10 MB
const SAMPLES = 16_000; // a second, in a wave: plenty for speech
const RATE = 32_000; // bits a second: plenty for speech

/** The browser can record, and would (https and localhost only). */
export const canRecord = Boolean(
  globalThis.MediaRecorder && navigator.mediaDevices?.getUserMedia && type(),
);

function type() {
  return TYPES.find((each) => MediaRecorder.isTypeSupported(each));
}

export class Recorder {
  #recorder;
  #stream;
  #pieces = [];
  #stopped;
  #timer = 0;
  startedAt = 0;

  get isOn() {
    return this.#recorder !== undefined;
  }

  /** Ask for the microphone and listen. spent(): called when it has been long enough. */
  async start(spent) {
    this.#stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    try {
      this.#listen();
    } catch (error) {
      this.#leave();
      throw error;
    }
    this.startedAt = Date.now();
    this.#timer = setTimeout(spent, LONGEST);
  }

  #listen() {
    const recorder = new MediaRecorder(this.#stream, { mimeType: type(), audioBitsPerSecond: RATE });
    const pieces = (this.#pieces = []); // its own: one that was discarded may still bring some
    recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
    this.#stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
    recorder.start();
    this.#recorder = recorder;
  }

  /** Resolves to the recording, a File. */
  async stop() {
    const recorder = this.#recorder;
    // It has stopped by itself where the microphone was taken away.
    if (recorder.state !== "inactive") recorder.stop();
    this.#recorder = undefined;
    await this.#stopped;
    this.#leave();
    const mime = recorder.mimeType.split(";")[0];
    const heard = new Blob(this.#pieces, { type: mime });
    if (mime === "audio/ogg" || heard.size === 0) return named(heard, mime);
    // Coze takes neither WebM nor, everywhere, MPEG-4; all browsers can read what they recorded.
    return named(await wave(heard).catch(() => heard), mime);
  }

  discard() {
    this.#leave();
  }

  /** Let go of the microphone: its light goes out, and whatever listens to it stops. */
  #leave() {
    clearTimeout(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    this.#recorder = undefined;
  }
}

function named(heard, mime) {
  const ending = heard.type === WAVE ? "wav" : (ENDINGS[mime] ?? "webm");
  return new File([heard], `voice.${ending}`, { type: heard.type });
}

const WAVE = "audio/wav";

/** Say the same in the plainest way there is: one channel, 16 bits a sample. */
async function wave(heard) {
  const context = new OfflineAudioContext(1, 1, SAMPLES); // what it reads, it brings to its rate
  const sound = await context.decodeAudioData(await heard.arrayBuffer());
  const samples = sound.getChannelData(0);
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const letters = (at, text) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  letters(0, "RIFF");
  view.setUint32(4, view.byteLength - 8, true);
  letters(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of the description that follows
  view.setUint16(20, 1, true); // not compressed
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, SAMPLES, true);
  view.setUint32(28, SAMPLES * 2, true); // bytes a second
  view.setUint16(32, 2, true); // bytes a sample
  view.setUint16(34, 16, true); // bits
  letters(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((each, i) => {
    view.setInt16(44 + i * 2, Math.max(-1, Math.min(1, each)) * 0x7fff, true);
  });
  return new Blob([view], { type: WAVE });
}
