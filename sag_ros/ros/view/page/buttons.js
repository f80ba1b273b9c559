// Buttons, keys, and the question before the arm starts to move.

const MARKS = { yes: "✓", no: "✕", waits: "…" };
const byId = (id) => document.getElementById(id);

export class Buttons {
  constructor(send) {
    this.send = send;
    this.buttons = new Map();
    this.number = 0;
    this.reasons = {};
    this.alive = false;
    for (const element of document.querySelectorAll("button[data-button]")) {
      this.buttons.set(element.dataset.button, element);
      element.addEventListener("click", () => this.press(element));
    }
    this.dialog = byId("ask");
    this.dialog.addEventListener("close", () => {
      if (this.dialog.open) return; // told late: it asks the next question already
      const element = this.asked;
      this.asked = null;
      if (element && this.dialog.returnValue === "yes") this.go(element);
    });
    byId("explain").addEventListener("click", () => this.explain());
    // Before anything that has the focus takes the space for itself.
    document.addEventListener("keydown", (event) => this.key(event), { capture: true });
    document.addEventListener("keyup", (event) => event.key === " " && event.preventDefault(), { capture: true });
    for (const title of document.querySelectorAll(".card h2")) {
      const info = document.createElement("button");
      info.className = "info";
      info.textContent = "?";
      info.title = "What is this?";
      info.setAttribute("aria-label", `What is this: ${title.textContent.trim()}`);
      info.addEventListener("click", () => title.parentElement.classList.toggle("told"));
      title.prepend(info);
    }
    this.update();
    for (const what of document.querySelectorAll(".what")) what.parentElement.title = what.textContent;
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) {
      if (event.key === " ") event.preventDefault();
      return;
    }
    if (event.key === " ") {
      event.preventDefault();
      event.stopPropagation();
      if (this.dialog.open) this.dialog.close("no");
      this.press(this.buttons.get("pause"));
      return;
    }
    if (this.dialog.open || event.target.tagName === "SELECT") return;
    if (event.key === "?") this.explain();
    for (const element of this.buttons.values()) {
      if (event.key.toLowerCase() === element.dataset.key) this.press(element);
    }
  }

  explain() {
    const on = document.body.classList.toggle("explain");
    byId("explain").setAttribute("aria-pressed", on);
    if (!on) document.querySelectorAll(".told").forEach((card) => card.classList.remove("told"));
  }

  press(element) {
    if (element.disabled) {
      this.say("no", `${this.label(element)}: ${element.title || "not now"}`);
      return;
    }
    if (!element.dataset.ask) {
      this.go(element);
      return;
    }
    this.asked = element;
    byId("ask-title").textContent = `${this.label(element)}?`;
    byId("ask-text").textContent = element.dataset.ask;
    byId("ask-label").textContent = this.label(element);
    this.dialog.returnValue = "no";
    if (!this.dialog.open) this.dialog.showModal();
    byId("ask-yes").focus();
  }

  label(element) {
    return element.querySelector("b").textContent;
  }

  go(element) {
    const said = { press: element.dataset.button, id: ++this.number };
    if (said.press === "load") said.choice = byId("choice").value;
    if (!this.send(said)) {
      this.say("no", `${this.label(element)}: this page is cut off`);
      return;
    }
    element.classList.add("waits");
    this.say("waits", `${this.label(element)}: asked`);
  }

  answer(answer) {
    const element = this.buttons.get(answer.button);
    element?.classList.remove("waits");
    const text = answer.message || (answer.success ? "done" : "refused, without a reason");
    this.say(answer.success ? "yes" : "no", `${element ? this.label(element) : answer.button}: ${text}`);
  }

  say(kind, text) {
    byId("answer").dataset.kind = kind;
    byId("answer-mark").textContent = MARKS[kind];
    byId("answer-text").textContent = `${new Date().toLocaleTimeString()}  ${text}`;
  }

  // Button -> why it cannot be pressed, or "".
  available(reasons) {
    this.reasons = reasons;
    this.update();
  }

  link(alive) {
    if (alive === this.alive) return;
    this.alive = alive;
    if (!alive) this.buttons.forEach((element) => element.classList.remove("waits"));
    this.update();
  }

  update() {
    for (const [name, element] of this.buttons) {
      let reason = this.alive ? this.reasons[name] ?? "the robot computer has not said yet" : "this page is cut off";
      if (!reason && name === "load" && byId("choice").disabled) reason = "no policies are named in the parameter file (policies.<name>)";
      element.disabled = Boolean(reason);
      element.title = reason || element.dataset.ask || "";
    }
  }

  policies(named, running) {
    const choice = byId("choice");
    const told = JSON.stringify([named, running]);
    if (told === this.told) return;
    this.told = told;
    const before = choice.value;
    const options = Object.entries(named).map(([name, text]) => {
      const option = new Option(name, name);
      option.title = text;
      return option;
    });
    choice.replaceChildren(...(options.length ? options : [new Option("no policies named", "")]));
    choice.disabled = !options.length;
    if (before in named) choice.value = before;
    else choice.value = Object.keys(named).find((name) => !running.includes(`${name}:`)) ?? choice.value;
    this.update();
  }
}
