// The banner: a word, a colour and a shape for what the arm does.

const SHAPES = {
  moves: "M22 10 L90 50 L22 90 Z",
  wait: "M50 6 A44 44 0 1 0 50.1 6 Z M50 16 A34 34 0 1 1 49.9 16 Z M46 26 H54 V47 L70 62 L64 68 L46 51 Z",
  hold: "M20 10 H42 V90 H20 Z M58 10 H80 V90 H58 Z",
  busy: "M50 6 L94 50 L50 94 L6 50 Z M50 24 L24 50 L50 76 L76 50 Z",
  off: "M14 14 H86 V86 H14 Z M28 28 V72 H72 V28 Z",
  fault: "M31 4 H69 L96 31 V69 L69 96 H31 L4 69 V31 Z M43 20 L46 60 H54 L57 20 Z M43 68 V80 H57 V68 Z",
  lost: "M22 8 L50 36 L78 8 L92 22 L64 50 L92 78 L78 92 L50 64 L22 92 L8 78 L36 50 L8 22 Z",
};
const UNREACHABLE = {
  word: "PAGE CUT OFF",
  kind: "lost",
  says: "This page does not hear the robot computer: what it shows is old, its buttons do nothing.",
};
const byId = (id) => document.getElementById(id);

export class State {
  constructor() {
    this.state = null;
    this.shown = "";
  }

  take(state) {
    this.state = state;
    this.draw(state, state.why);
  }

  // The connection of this page: alive or not for so many seconds.
  link(alive, seconds) {
    const link = byId("link");
    link.dataset.ok = alive ? "yes" : "no";
    link.textContent = alive ? "✓ connected" : `✕ cut off for ${Math.round(seconds)} s`;
    document.body.classList.toggle("cut", !alive);
    if (alive && this.state) this.draw(this.state, this.state.why);
    else if (!alive && (this.state || seconds > 3)) {
      const since = new Date(Date.now() - 1000 * seconds).toLocaleTimeString();
      this.draw(UNREACHABLE, `Since ${since}. Use the emergency stop, or the robot's own controls.`);
    }
  }

  draw(state, why) {
    const told = [state.word, state.kind, state.says, why].join("|");
    if (told === this.shown) return;
    this.shown = told;
    byId("state").dataset.kind = state.kind;
    byId("word").textContent = state.word;
    byId("says").textContent = state.says;
    byId("why").textContent = byId("why").title = why || "";
    byId("why").hidden = !why;
    byId("shape").innerHTML = `<path fill-rule="evenodd" d="${SHAPES[state.kind] || SHAPES.off}"/>`;
    document.title = `${state.word} – robot arm`;
  }
}
