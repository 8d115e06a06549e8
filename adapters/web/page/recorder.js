// A voice message: what the microphone hears, as one file.

const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"]; // the best first
const ENDINGS = { "audio/ogg": "ogg", "audio/webm": "webm", "audio/mp4": "m4a" };
const LONGEST = 600_000; // milliseconds
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
  #timer = 0;
  startedAt = 0;

  get isOn() {
    return this.#recorder !== undefined;
  }

  /** Ask for the microphone and listen. spent(): called when it has been long enough. */
  async start(spent) {
    this.#stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    this.#pieces = [];
    this.#recorder = new MediaRecorder(this.#stream, { mimeType: type(), audioBitsPerSecond: RATE });
    this.#recorder.addEventListener("dataavailable", ({ data }) => this.#pieces.push(data));
    this.#recorder.start();
    this.startedAt = Date.now();
    this.#timer = setTimeout(spent, LONGEST);
  }

  /** Resolves to the recording, a File. */
  async stop() {
    const recorder = this.#recorder;
    const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
    recorder.stop();
    await stopped;
    this.#leave();
    const mime = recorder.mimeType.split(";")[0];
    return new File(this.#pieces, `voice.${ENDINGS[mime] ?? "webm"}`, { type: mime });
  }

  discard() {
    this.#recorder?.stop();
    this.#leave();
  }

  /** Let go of the microphone: its light goes out. */
  #leave() {
    clearTimeout(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    this.#recorder = undefined;
  }
}
