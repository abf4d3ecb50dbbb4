// Calls to the API of the same server, with the key of this tab where the server asks for one.

export class Problem extends Error {
  constructor(fields, status) {
    super(fields.detail || `The server answered with status ${status}.`);
    this.code = fields.code;
  }
}

let askingForKey = null;

export async function call(path, options = {}) {
  for (;;) {
    const key = sessionStorage.getItem("key");
    const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
    let response;
    try {
      response = await fetch(path, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem({ detail: "The server does not answer. Is it still running?" });
    }
    if (response.ok) return response;
    const fields = await response.json().catch(() => ({}));
    if (response.status !== 401) throw new Problem(fields, response.status);
    askingForKey ??= askForKey().finally(() => { askingForKey = null; });
    await askingForKey;
  }
}

export async function json(path, options) {
  return (await call(path, options)).json();
}

/** Server-sent events of a POST, as [name, data]. */
export async function* events(path, body, signal) {
  const response = await call(path, {
    method: "POST", body: JSON.stringify(body), signal, headers: { "Content-Type": "application/json" },
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = /^event: (.*)\ndata: (.*)$/.exec(block);
      if (event) yield [event[1], JSON.parse(event[2])];
    }
  }
}

function askForKey() {
  const dialog = document.getElementById("key");
  const value = document.getElementById("key-value");
  value.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    document.getElementById("key-form").onsubmit = () => {
      sessionStorage.setItem("key", value.value);
      resolve();
    };
    dialog.oncancel = (event) => event.preventDefault();
  });
}
