// Checks that a person is before the camera: draws movements, shows them one after another, takes frames, sends them.
//
// The requests go to the site's own server (proxy.py), which has the API key and makes the decision. What this page
// shows is for the person only: whoever controls the browser can change it.

const SECONDS = 3;
const FRAMES_OF_A_MOVEMENT = 2;
const BETWEEN_FRAMES_MS = 450;
const MOST_FRAMES = 10;
const LONGEST_SIDE = 1280;

const TELL = {
  front: "Look straight into the camera",
  turn_left: "Turn your head to your left",
  turn_right: "Turn your head to your right",
  look_up: "Lift your chin: look up",
  look_down: "Lower your chin: look down",
  come_nearer: "Look into the camera and come nearer",
  close_eyes: "Face the camera and close your eyes until the tone",
};

const HELP = {
  no_face: "Stay in the picture, with light from the front.",
  several_faces: "Only one person may be in the picture.",
  not_live: "Try other light, and sit at an arm's length from the camera.",
  different_people: "The same person must stay before the camera until the end.",
  frames_disagree: "Avoid reflections and bright screens behind you.",
  too_few_judged: "Come nearer, and show more than your face.",
  still: "Move your head while the pictures are taken.",
  movements_not_shown: "Follow each step until the tone, and turn a little further.",
};

const CAMERA = {
  NotAllowedError: "The browser does not allow this page to use the camera. Allow it in the address bar.",
  NotFoundError: "No camera was found.",
  NotReadableError: "Another program uses the camera. Close it, then try again.",
};

const [step, left, preview, begin, reasons] = ["step", "left", "preview", "begin", "reasons"].map((id) => document.getElementById(id));

begin.addEventListener("click", async () => {
  begin.disabled = true;
  reasons.replaceChildren();
  try {
    show(await check());
  } catch (error) {
    step.textContent = CAMERA[error.name] ?? error.message;
  } finally {
    begin.disabled = false;
    begin.textContent = "Try again";
  }
});

/** @returns {Promise<{verdict: string, reasons: string[]}>} */
async function check() {
  // Browsers give pages a camera on localhost and over TLS only.
  if (!navigator.mediaDevices) throw new Error("Open this page at https or localhost: browsers allow the camera only there.");
  const wish = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" };
  const stream = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false });
  const body = new FormData();
  try {
    preview.srcObject = stream;
    preview.hidden = false;
    await preview.play();
    // Drawn when the camera is on: the movements are to be shown within 60 seconds.
    // Its token stays on the site's own server, in the session of this browser.
    const { movements } = await ask("liveness/challenges", null);
    for (const frame of await takeFrames(movements)) body.append("frames", frame);
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    preview.hidden = true;
    left.textContent = "";
  }
  step.textContent = "Checking ...";
  return ask("liveness", body);
}

/** The first frame looks into the lens, and so does the last: eyes that were closed count once they are open again. */
async function takeFrames(movements) {
  const each = Math.min(FRAMES_OF_A_MOVEMENT, Math.floor((MOST_FRAMES - 2) / movements.length));
  const frames = [];
  for (const [place, what] of ["front", ...movements, "front"].entries()) {
    step.textContent = TELL[what] ?? what.replaceAll("_", " ");
    for (let seconds = SECONDS; seconds > 0; seconds--) {
      left.textContent = seconds;
      await pause(1000);
    }
    left.textContent = "Hold it";
    const isFront = place === 0 || place === movements.length + 1;
    for (let taken = 0; taken < (isFront ? 1 : each); taken++) {
      frames.push(await picture());
      await pause(BETWEEN_FRAMES_MS);
    }
    tone();
  }
  return frames;
}

/** What the camera shows now, not mirrored. */
function picture() {
  const { videoWidth: width, videoHeight: height } = preview;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext("2d").drawImage(preview, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

async function ask(path, body) {
  const response = await fetch(path, { method: "POST", body });
  if (!response.ok) throw new Error(response.status === 409 ? "That took too long. Begin again." : "The check is not available now. Try again later.");
  return response.json();
}

function show({ verdict, reasons: why }) {
  step.textContent = verdict === "live" ? "Thank you. You can go on." : "That did not work.";
  reasons.replaceChildren(...why.map((reason) => Object.assign(document.createElement("li"), { textContent: HELP[reason] ?? reason })));
}

/** Ends a step, also for those whose eyes are closed. */
function tone() {
  const context = new AudioContext();
  const oscillator = context.createOscillator();
  oscillator.connect(context.destination);
  oscillator.onended = () => context.close();
  oscillator.start();
  oscillator.stop(context.currentTime + 0.18);
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
