// Files that are chosen or dropped go up one after the other, each with its progress; then the page leads to what they would
// change. Where one is refused, its reason stays beside it and the others can be looked at all the same.

const AWAY = "The server could not be reached. Nothing was sent: try again.";

const send = (address, file, progress) =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${address}?${new URLSearchParams({ name: file.name })}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => progress(loaded, total);
    request.onerror = () => resolve({ problem: AWAY });
    request.onload = () => {
      let said = {};
      try {
        said = JSON.parse(request.responseText);
      } catch {
        // Not from the handler; the status says enough.
      }
      const { draft, detail } = said;
      resolve(draft ? { draft } : { problem: detail ?? `The server answered with ${request.status}.` });
    };
    request.send(file);
  });

const listed = (list, name) => {
  const [line, title, bar, words] = ["li", "strong", "progress", "span"].map((tag) => document.createElement(tag));
  title.textContent = name;
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", name);
  words.className = "quiet";
  words.textContent = "waiting";
  line.append(title, bar, words);
  list.append(line);
  return {
    progress(loaded, total) {
      bar.value = total ? (100 * loaded) / total : 100;
      words.textContent = loaded < total ? `${Math.floor(bar.value)}%` : "being kept";
    },
    done() {
      bar.value = 100;
      words.textContent = "sent";
    },
    failed(problem) {
      bar.remove();
      words.className = "problem";
      words.textContent = problem;
    },
  };
};

const upload = async (zone, files) => {
  const { address, preview, filesMax, bytesMax } = zone.dataset;
  const [list, said] = [zone.querySelector(".uploads"), zone.querySelector(".uploads-said")];
  list.replaceChildren();
  if (files.length > filesMax) {
    said.textContent = `At most ${filesMax} files are looked at together: choose fewer.`;
    return;
  }
  said.textContent = files.length === 1 ? "One file is being sent." : `${files.length} files are being sent.`;
  const lines = files.map((file) => listed(list, file.name));
  const drafts = [];
  let failures = 0;
  for (const [i, file] of files.entries()) {
    const answer =
      file.size > bytesMax
        ? { problem: "The file is larger than 50 MB: split it, or save it as CSV." }
        : await send(address, file, lines[i].progress);
    if (answer.draft) {
      drafts.push(["draft", answer.draft]);
      lines[i].done();
    } else {
      failures += 1;
      lines[i].failed(answer.problem);
    }
  }
  const next = `${preview}?${new URLSearchParams(drafts)}`;
  if (failures === 0) {
    said.textContent = "Sent. What they change is being worked out.";
    location.assign(next);
    return;
  }
  said.textContent = failures === 1 ? "One file was not taken." : `${failures} files were not taken.`;
  if (drafts.length > 0) {
    const link = document.createElement("a");
    link.href = next;
    link.textContent = "Look at what the others change";
    said.append(" ", link);
  }
};

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

export const uploads = () => {
  const zone = document.querySelector("[data-upload]");
  if (!zone) return;
  const field = zone.querySelector("input[type=file]");
  let busy = false;
  const take = async (files) => {
    if (busy || files.length === 0) return;
    busy = true;
    zone.closest("details")?.setAttribute("open", "");
    zone.scrollIntoView({ block: "nearest" });
    await upload(zone, files);
    field.value = "";
    busy = false;
  };
  zone.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    take([...field.files]);
  });
  // What is dropped on the field itself is taken by it, as everywhere.
  field.addEventListener("change", () => take([...field.files]));
  const dropping = (is) => document.documentElement.classList.toggle("is-dropping", is);
  let depth = 0;
  addEventListener("dragenter", (event) => hasFiles(event) && dropping(++depth > 0));
  addEventListener("dragleave", (event) => hasFiles(event) && dropping(--depth > 0));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    depth = 0;
    dropping(false);
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
};
