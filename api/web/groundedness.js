// The hallucination rate with its interval, and the view in which a person judges drawn answers.

import { json } from "./http.js";

const AT_ONCE = 10;
const KEYS = { s: "supported", u: "unsupported", d: "undecidable" };
const STANDING = { within: "within the objective", above: "above the objective", cannot_tell: "not known well enough" };
const span = document.getElementById("rate-window");
const says = document.getElementById("rate-says");
const scale = document.getElementById("rate-scale");
const counts = document.getElementById("rate-counts");
const audit = document.getElementById("audit");
const auditSays = document.getElementById("audit-says");
let waiting = [];

// --- the rate

async function refresh() {
  try {
    show(await json(`/v1/groundedness/rate?window=${span.value}`));
  } catch (problem) {
    says.textContent = problem.message;
    scale.toggleAttribute("hidden", true);
  }
}

function show(report) {
  says.textContent = report.says;
  const [low, high] = report.interval;
  scale.toggleAttribute("hidden", !report.answers);
  if (report.answers) draw(report.rate, low, high, report.objective, report.slo);
  const { checked, flagged, verbatim, refused, fixed, no_claims: noClaims, unchecked } = report.counts;
  counts.textContent = [
    `${checked} checked (${flagged} flagged, which is not the rate)`, `${verbatim} verbatim`, `${refused} refused`,
    `${fixed} fixed`, `${noClaims} without claims`, `${unchecked} unchecked`,
    `${report.audit.judged} judged, ${report.audit.to_judge} to judge`,
    `${report.feedback.helpful} found helpful, ${report.feedback.not_helpful} not`,
  ].join(" · ");
  const alarm = report.monitors.some((monitor) => monitor.alarm);
  document.getElementById("rate-alarm").hidden = !alarm;
}

/** A line from 0 to a little above what is shown: the interval as a bar, the rate as a dot, the objective as a mark. */
function draw(rate, low, high, objective, standing) {
  const end = Math.min(1, Math.max(high, objective) * 1.15);
  const x = (share) => (share / end * 100).toFixed(2);
  const set = (id, values) => {
    const shape = document.getElementById(id);
    for (const [name, value] of Object.entries(values)) shape.setAttribute(name, value);
  };
  set("scale-interval", { x: x(low), width: Math.max(0.5, x(high) - x(low)) });
  set("scale-objective", { x1: x(objective), x2: x(objective) });
  set("scale-rate", { cx: x(rate ?? 0), visibility: rate === null ? "hidden" : "visible" });
  scale.setAttribute("class", standing);
  const shown = rate === null ? "unknown" : percent(rate);
  scale.setAttribute("aria-label",
    `Rate ${shown}, 95% interval ${percent(low)} to ${percent(high)}, objective ${percent(objective)}: ${STANDING[standing]}`);
}

const percent = (share) => `${(share * 100).toFixed(1)}%`;

// --- judging

async function next() {
  try {
    if (!waiting.length) waiting = (await json(`/v1/groundedness/audit?limit=${AT_ONCE}`)).items;
    present(waiting[0]);
  } catch (problem) {
    auditSays.textContent = problem.message;
  }
}

function present(item) {
  audit.hidden = !item;
  if (!item) {
    auditSays.textContent = "Nothing is left to judge. Draw some answers.";
    return;
  }
  auditSays.textContent = "";
  document.getElementById("audit-question").textContent = item.question;
  const passages = new Map(item.passages.map((passage) => [passage.chunk_id, passage]));
  document.getElementById("audit-sentences").replaceChildren(...item.sentences.map((sentence) => {
    const row = document.getElementById("audit-sentence").content.firstElementChild.cloneNode(true);
    row.querySelector(".said").textContent = sentence.text;
    row.classList.toggle("no-claim", !sentence.is_claim);
    const box = row.querySelector("input");
    box.hidden = !sentence.is_claim;
    box.value = JSON.stringify(sentence.span);
    box.setAttribute("aria-label", `Not supported: ${sentence.text}`);
    row.querySelector(".evidence").replaceChildren(...sentence.nearest.map((id) => evidence(passages.get(id))));
    return row;
  }));
  document.getElementById("audit-note").value = "";
  audit.focus();
}

function evidence(passage) {
  const block = document.createElement("details");
  const place = document.createElement("summary");
  const text = document.createElement("p");
  place.textContent = [passage.document_name, passage.page && `page ${passage.page}`].filter(Boolean).join(" · ");
  text.textContent = passage.text;
  block.open = true;
  block.append(place, text);
  return block;
}

async function judge(verdict) {
  const item = waiting[0];
  if (!item || audit.hidden || audit.getAttribute("aria-busy") === "true") return;
  const spans = [...audit.querySelectorAll("input:checked")].map((box) => JSON.parse(box.value));
  const body = { verdict, note: document.getElementById("audit-note").value };
  if (verdict === "unsupported") body.spans = spans;
  audit.setAttribute("aria-busy", "true");
  try {
    await json(`/v1/groundedness/audit/${item.audit_id}/verdict`, {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    });
    waiting.shift();
    await Promise.all([next(), refresh()]);
  } catch (problem) {
    auditSays.textContent = problem.message;
  } finally {
    audit.setAttribute("aria-busy", "false");
  }
}

async function drawMore() {
  try {
    const drawn = await json("/v1/groundedness/audit", {
      method: "POST", body: JSON.stringify({ answers: AT_ONCE, window: span.value }),
      headers: { "Content-Type": "application/json" },
    });
    waiting = [];
    await next();
    if (!drawn.to_judge) auditSays.textContent = "No answers of models in this window are left to draw.";
    refresh();
  } catch (problem) {
    auditSays.textContent = problem.message;
  }
}

for (const [key, verdict] of Object.entries(KEYS)) {
  document.getElementById(`judge-${key}`).onclick = () => judge(verdict);
}
audit.onkeydown = (event) => {
  const writing = event.target.id === "audit-note" || event.ctrlKey || event.metaKey || event.altKey;
  const verdict = KEYS[event.key.toLowerCase()];
  if (writing || !verdict) return;
  event.preventDefault();
  judge(verdict);
};
document.getElementById("audit-draw").onclick = drawMore;
document.getElementById("audit-open").onclick = next;
span.onchange = refresh;
document.addEventListener("answered", refresh);
refresh();
