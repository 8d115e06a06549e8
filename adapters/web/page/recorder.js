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
    return new File(this.#pieces, `voice.${ENDINGS[mime] ?? "webm"}`, { type: mime });
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
