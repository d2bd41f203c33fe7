// A short tone for people before the camera who do not look at the screen just then.

const HERTZ = 880;
const SECONDS = 0.18;
const VOLUME = 0.15;

/** Silent where the browser gives this page no sound. */
export function playTone() {
  try {
    const context = new AudioContext();
    const [oscillator, volume] = [context.createOscillator(), context.createGain()];
    oscillator.frequency.value = HERTZ;
    volume.gain.value = VOLUME;
    oscillator.connect(volume).connect(context.destination);
    oscillator.onended = () => context.close();
    oscillator.start();
    oscillator.stop(context.currentTime + SECONDS);
  } catch {
    // the words on the page say the same
  }
}
