// Uploads by drop or choice, and the list of documents with what is being done to each.

import { call, json } from "./http.js";

const AT_ONCE = 3;
const POLL_MS = 1000;
const FINAL = new Set(["ready", "failed", "cancelled"]);
const list = document.getElementById("documents");
const uploads = document.getElementById("uploads");
const says = document.getElementById("documents-say");
const more = document.getElementById("more");
const drop = document.getElementById("drop");

let shown = 50;
let polling = null;
let waiting = [];
let sending = 0;
const counts = { sent: 0, unchanged: 0, refused: 0, total: 0 };

// --- uploads

function send(files) {
  if (!files.length) return;
  if (!sending && !waiting.length) {
    Object.assign(counts, { sent: 0, unchanged: 0, refused: 0, total: 0 });
    uploads.replaceChildren();
  }
  counts.total += files.length;
  waiting.push(...files);
  for (let worker = sending; worker < AT_ONCE; worker++) work();
}

async function work() {
  sending++;
  for (let file; (file = waiting.shift());) await sendOne(file);
  sending--;
  tell();
}

async function sendOne({ file, path }) {
  const form = new FormData();
  form.append("file", file, path);
  try {
    const accepted = await json("/v1/documents", { method: "POST", body: form });
    counts[accepted.status === "unchanged" ? "unchanged" : "sent"]++;
  } catch (problem) {
    counts.refused++;
    uploads.append(row(path, "failed", problem.message));
  }
  tell();
  refresh();
}

function tell() {
  const done = counts.sent + counts.unchanged + counts.refused;
  if (!counts.total) return;
  const parts = [done < counts.total ? `Sending ${done + 1} of ${counts.total}` : `${counts.sent} received`];
  if (counts.unchanged) parts.push(`${counts.unchanged} unchanged`);
  if (counts.refused) parts.push(`${counts.refused} refused`);
  says.textContent = parts.join(", ") + ".";
}

async function* walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    yield { file, path: entry.fullPath.replace(/^\//, "") };
    return;
  }
  const reader = entry.createReader();
  for (;;) { // a reader hands out a hundred entries at a time
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return;
    for (const inner of entries) yield* walk(inner);
  }
}

drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  // The event's items are gone after the first wait, so all are taken out of it now.
  const dropped = [...event.dataTransfer.items].filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const files = [];
  for (const { entry, file } of dropped) {
    try {
      if (entry) for await (const found of walk(entry)) files.push(found);
      else files.push({ file, path: file.name });
    } catch (error) {
      uploads.append(row((entry ?? file).name, "failed", `It cannot be read: ${error.message}`));
    }
  }
  send(files);
});
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
for (const missed of ["dragover", "drop"]) { // a file beside the field must not replace the page
  window.addEventListener(missed, (event) => event.preventDefault());
}
for (const [button, input] of [["choose-files", "files"], ["choose-folder", "folder"]]) {
  const field = document.getElementById(input);
  document.getElementById(button).onclick = () => field.click();
  field.onchange = () => {
    send([...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    field.value = "";
  };
}

// --- the list

function row(name, status, detail) {
  const item = document.getElementById("document-row").content.firstElementChild.cloneNode(true);
  item.querySelector(".name").textContent = name;
  paint(item, status, detail);
  return item;
}

function paint(item, status, detail, progress) {
  const badge = item.querySelector(".status");
  badge.textContent = status;
  badge.className = `status ${status}`;
  item.querySelector(".detail").textContent = detail;
  const bar = item.querySelector("progress");
  bar.hidden = FINAL.has(status) || status === "queued";
  bar.setAttribute("aria-label", status);
  if (progress === undefined) bar.removeAttribute("value");
  else bar.value = progress;
}

function detailOf(document_) {
  if (document_.error) return document_.error.message;
  const parts = [];
  if (document_.collection !== "default") parts.push(document_.collection);
  if (document_.pages) parts.push(`${document_.pages} ${document_.pages === 1 ? "page" : "pages"}`);
  if (document_.chunks) parts.push(`${document_.chunks} ${document_.chunks === 1 ? "chunk" : "chunks"}`);
  return [parts.join(" · "), ...document_.warnings].filter(Boolean).join(". ");
}

const rows = new Map();

async function show(document_) {
  const id = document_.document_id;
  let item = rows.get(id);
  if (!item) {
    item = row(document_.name, document_.status, "");
    rows.set(id, item);
    item.querySelector(".retry").onclick = () => act(`/v1/documents/${id}/retry`, "POST");
    item.querySelector(".delete").onclick = () => {
      if (confirm(`Delete ${document_.name}? Answers will not use it any more.`)) act(`/v1/documents/${id}`, "DELETE");
    };
  }
  const { status } = document_;
  item.querySelector(".retry").hidden = status !== "failed" && status !== "cancelled";
  item.querySelector(".delete").hidden = status === "deleting";
  for (const button of item.querySelectorAll("button")) {
    button.setAttribute("aria-label", `${button.textContent}: ${document_.name}`);
  }
  paint(item, status, detailOf(document_), item.querySelector("progress").value || undefined);
  if (!FINAL.has(status) && status !== "queued") {
    const job = await json(`/v1/jobs/${document_.job_id}`).catch(() => null);
    if (job) paint(item, status, detailOf(document_), job.progress);
  }
  return item;
}

async function act(path, method) {
  try {
    await call(path, { method });
  } catch (problem) {
    says.textContent = problem.message;
  }
  refresh();
}

async function load() {
  const found = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: Math.min(100, shown - found.length), ...(cursor && { cursor }) });
    const page = await json(`/v1/documents?${query}`);
    found.push(...page.documents);
    cursor = page.next_cursor;
  } while (cursor && found.length < shown);
  more.hidden = !cursor;
  const items = await Promise.all(found.map(show));
  if (items.length !== list.children.length || items.some((item, n) => item !== list.children[n])) {
    list.replaceChildren(...items);
  }
  for (const [id, item] of rows) if (!items.includes(item)) rows.delete(id);
  if (!found.length && !counts.total) says.textContent = "No documents yet.";
  return found.some((document_) => !FINAL.has(document_.status));
}

/** Look at the documents now, and again until every one is done. */
async function refresh() {
  if (polling) { polling.again = true; return; }
  polling = { again: false };
  try {
    for (let unfinished = true; unfinished || polling.again;) {
      polling.again = false;
      unfinished = await load();
      if (unfinished) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  } catch (problem) {
    says.textContent = problem.message;
  } finally {
    polling = null;
  }
}

more.onclick = () => { shown += 100; refresh(); };
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refresh();
