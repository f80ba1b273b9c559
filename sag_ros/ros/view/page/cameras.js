// Camera pictures, drawn as they come.

export class Cameras {
  constructor(element) {
    this.element = element;
    this.figures = new Map();
    this.problems = {};
  }

  become(names, problems) {
    this.problems = problems;
    if (names.join() === [...this.figures.keys()].join()) return;
    this.figures.clear();
    this.element.replaceChildren(
      ...names.map((name) => {
        const figure = make("figure");
        const frame = make("div", "frame");
        const canvas = make("canvas");
        const tag = make("p", "tag");
        const size = make("span");
        const caption = make("figcaption");
        const label = make("span");
        label.textContent = name;
        caption.append(label, size);
        canvas.setAttribute("aria-label", `Camera ${name}`);
        frame.append(canvas, tag);
        figure.append(frame, caption);
        this.figures.set(name, { figure, canvas, tag, size });
        return figure;
      }),
    );
    if (!names.length) {
      const empty = make("p", "empty");
      empty.textContent = "This policy uses no cameras, or its program has not said which.";
      this.element.append(empty);
    }
  }

  async take(name, bytes) {
    const found = this.figures.get(name);
    if (!found || found.busy) return;
    found.busy = true;
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })).catch(() => null);
    found.busy = false;
    if (!picture) return;
    if (found.canvas.width !== picture.width || found.canvas.height !== picture.height) {
      found.canvas.width = picture.width;
      found.canvas.height = picture.height;
    }
    found.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
  }

  // age: name -> s since its last picture, or null.
  stale(age, alive) {
    for (const [name, { figure, tag, size }] of this.figures) {
      const found = age(name);
      const problem = this.problems[`camera ${name}`];
      figure.classList.toggle("stale", found === null || found > 1 || Boolean(problem) || !alive);
      tag.textContent = problem || (found === null ? "no picture yet" : `picture is ${Math.round(found)} s old`);
      size.textContent = found === null || found > 1 || !alive ? "" : "live";
    }
  }
}

function make(kind, name = "") {
  const element = document.createElement(kind);
  element.className = name;
  return element;
}
