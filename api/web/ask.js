// Questions, answers as they come, what each sentence stands on, and the passages behind them.

import { events, json } from "./http.js";

const form = document.getElementById("ask");
const question = document.getElementById("question");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const says = document.getElementById("ask-says");
const answers = document.getElementById("answers");
let running = null;

form.onsubmit = (event) => {
  event.preventDefault();
  if (!running && question.value.trim()) ask(question.value);
};
question.onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
};
stop.onclick = () => running?.abort();

async function ask(text) {
  running = new AbortController();
  send.disabled = true;
  stop.hidden = false;
  says.textContent = "Looking for an answer.";
  const card = document.getElementById("answer-card").content.firstElementChild.cloneNode(true);
  card.querySelector("h3").textContent = text;
  answers.prepend(card);
  let written = "";
  const verdicts = [];
  try {
    let final = null;
    for await (const [name, data] of events("/v1/ask", { question: text, stream: true }, running.signal)) {
      if (name === "delta") written += data.text;
      else if (name === "sentence") verdicts.push(data);
      else if (name === "answer") final = data;
      else if (name === "error") throw new Error(data.detail);
      if (final) finish(card, final);
      else if (name !== "passages") write(card, written, verdicts, []);
    }
    if (!final) throw new Error("The answer broke off. Ask again.");
    question.value = "";
  } catch (error) {
    const stopped = error.name === "AbortError";
    card.classList.add("failed");
    card.querySelector(".text").textContent = stopped ? "Stopped." : error.message;
    says.textContent = stopped ? "Stopped." : error.message;
  } finally {
    card.setAttribute("aria-busy", "false");
    running = null;
    send.disabled = false;
    stop.hidden = true;
  }
}

function finish(card, answer) {
  const cited = answer.citations.map((citation) => ({
    citation, passage: answer.passages.find((passage) => passage.chunk_id === citation.chunk_id),
  }));
  write(card, answer.answer, answer.groundedness?.sentences ?? [], cited);
  card.classList.toggle("refused", answer.refused);
  card.querySelector(".summary").textContent = summary(answer);
  opinions(card, answer.answer_id);
  document.dispatchEvent(new Event("answered"));
  const details = card.querySelector("details");
  details.hidden = false;
  details.open = answer.warnings.length > 0;
  details.querySelector("ul").replaceChildren(...background(answer).map((line) => {
    const entry = document.createElement("li");
    entry.textContent = line;
    return entry;
  }));
  const title = card.querySelector("h4");
  const sources = card.querySelector(".sources");
  if (answer.refused) {
    title.textContent = "Nearest passages";
    sources.replaceChildren(...answer.passages.slice(0, 5).map((passage) => item(place(passage), passage.text, () => open(passage))));
  } else {
    title.textContent = "Sources";
    sources.replaceChildren(...cited.map(({ citation, passage }) => item(
      `[${citation.marker}] ${place({ ...passage, ...citation })}`, citation.quote, () => open(passage, citation))));
  }
  title.hidden = !sources.children.length;
  says.textContent = `${answer.refused ? "No answer in the documents" : "Answer"}: ${answer.answer} ${summary(answer)}`;
}

/** Thumbs: what a reader thinks of the answer. Pressing the other one changes it. */
function opinions(card, answerId) {
  const buttons = [[".helpful", true], [".unhelpful", false]].map(([name, helpful]) => [card.querySelector(name), helpful]);
  for (const [button, helpful] of buttons) {
    button.hidden = false;
    button.onclick = async () => {
      try {
        await json(`/v1/answers/${answerId}/feedback`, {
          method: "POST", body: JSON.stringify({ helpful }), headers: { "Content-Type": "application/json" },
        });
        for (const [other] of buttons) other.setAttribute("aria-pressed", String(other === button));
        says.textContent = helpful ? "Noted as helpful." : "Noted as not helpful.";
      } catch (problem) {
        says.textContent = problem.message;
      }
    };
  }
}

function summary({ groundedness, model, usage, cache, timings_ms: timings }) {
  const parts = [];
  if (groundedness) {
    parts.push(`${groundedness.supported ? "Grounded" : "Not fully grounded"}, ${percent(groundedness.score)}`);
  }
  parts.push(cache.hit ? `${model.name}, answered before` : model.name);
  if (usage.cost_usd) parts.push(dollars(usage.cost_usd));
  if (timings.total !== undefined) parts.push(`${(timings.total / 1000).toFixed(2)} s`);
  return parts.join(" · ");
}

/** Why this model answered, and what a reader must know of how the answer came about. */
function background({ model, usage, warnings }) {
  const lines = [...warnings, `Model: ${model.name} (${model.route}). ${sentence(model.reason)}`];
  if (model.escalated) lines.push("A more powerful model took over from the first one.");
  lines.push(...model.fallbacks.map((one) => `Fell out: ${one}`));
  lines.push(...usage.by_model.map((one) =>
    `${one.model}: ${one.prompt_tokens} tokens read, ${one.completion_tokens} written, ${dollars(one.cost_usd)}`));
  return lines;
}

const sentence = (text) => text && `${text[0].toUpperCase()}${text.slice(1)}.`;
const dollars = (usd) => `$${usd < 0.01 ? Number(usd.toPrecision(2)) : usd.toFixed(2)}`;
const percent = (score) => `${Math.round(score * 100)} %`;
const place = ({ document_name, page, section }) =>
  [document_name, page && `page ${page}`, section].filter(Boolean).join(" · ");

/** The text with a verdict behind each checked sentence and a button for each citation mark. */
function write(card, text, sentences, cited) {
  const characters = Array.from(text); // spans count characters, not UTF-16 units
  const pieces = [];
  let position = 0;
  for (const { span: [start, end], is_claim: isClaim, supported, score, unsupported } of sentences) {
    pieces.push(...marked(characters.slice(position, start).join(""), cited));
    const sentence = document.createElement("span");
    let inside = start;
    for (const [from, to] of (isClaim && unsupported) || []) {
      const part = document.createElement("mark");
      part.className = "unsupported";
      part.title = "The sources do not carry this part";
      part.append(...marked(characters.slice(from, to).join(""), cited));
      sentence.append(...marked(characters.slice(inside, from).join(""), cited), part);
      inside = to;
    }
    sentence.append(...marked(characters.slice(inside, end).join(""), cited));
    pieces.push(sentence);
    if (isClaim) {
      const state = supported ? "supported" : "unsupported";
      sentence.className = `sentence ${state}`;
      const verdict = document.createElement("span");
      verdict.className = `verdict ${state}`;
      verdict.title = supported ? "The sources support this sentence" : "The sources do not support this sentence";
      verdict.textContent = supported ? `✓ ${percent(score)}` : `? ${percent(score)}`;
      const spoken = document.createElement("span");
      spoken.className = "hidden";
      spoken.textContent = ` (${state})`;
      verdict.append(spoken);
      pieces.push(verdict);
    }
    position = end;
  }
  pieces.push(...marked(characters.slice(position).join(""), cited));
  card.querySelector(".text").replaceChildren(...pieces);
}

function marked(text, cited) {
  return text.split(/(\[\d+\])/).filter(Boolean).map((piece) => {
    const found = cited.find(({ citation }) => piece === `[${citation.marker}]`);
    if (!found) return document.createTextNode(piece);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "citation";
    button.textContent = found.citation.marker;
    button.setAttribute("aria-label", `Source ${found.citation.marker}: ${place(found.citation)}`);
    button.onclick = () => open(found.passage, found.citation);
    return button;
  });
}

function item(heading, text, onclick) {
  const entry = document.createElement("li");
  const button = document.createElement("button");
  const bold = document.createElement("b");
  const quote = document.createElement("span");
  button.type = "button";
  bold.textContent = heading;
  quote.textContent = text;
  button.append(bold, quote);
  button.onclick = onclick;
  entry.append(button);
  return entry;
}

/** The passage in full, with the quoted words marked. */
function open(passage, citation) {
  const shown = passage ?? { text: citation.quote, span: citation.quote_span };
  document.getElementById("passage-title").textContent = (passage ?? citation).document_name;
  document.getElementById("passage-place").textContent = place({ ...passage, ...citation, document_name: "" });
  const target = document.getElementById("passage-text");
  const characters = Array.from(shown.text);
  const [from, to] = citation ? citation.quote_span.map((offset) => offset - shown.span[0]) : [0, 0];
  const mark = document.createElement("mark");
  mark.textContent = characters.slice(from, to).join("");
  target.replaceChildren(characters.slice(0, from).join(""), ...(citation ? [mark] : []), characters.slice(to).join(""));
  document.getElementById("passage").showModal();
  mark.scrollIntoView({ block: "center" });
}
