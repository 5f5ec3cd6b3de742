// Asks the server: may this be booked, book it, change it. Everything goes through the JSON API.

const iso = (moment) => new Date(moment * 60000).toISOString().replace(".000Z", "Z");

/** Put a draft into the words of the API. */
export function bodyOf(draft) {
  return { start: iso(draft.start), end: iso(draft.end), ...(draft.resources ? { resources: draft.resources } : {}) };
}

export function asker({ check, bookings, token }) {
  let last = null;

  async function send(method, address, body, headers = {}, signal = undefined) {
    const options = {
      method,
      signal,
      credentials: "same-origin",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token, ...headers },
      body: body ? JSON.stringify(body) : undefined,
    };
    try {
      const response = await fetch(address, options);
      const text = await response.text();
      return { ok: response.ok, status: response.status, body: text ? JSON.parse(text) : {} };
    } catch (error) {
      if (error.name === "AbortError") return null;
      return { ok: false, status: 0, body: { detail: "The server cannot be reached at the moment." } };
    }
  }

  return {
    /** Try it out; an older question that is still open is dropped and answers null. */
    async check(draft) {
      last?.abort();
      last = new AbortController();
      const body = { ...bodyOf(draft), ...(draft.booking ? { booking: draft.booking } : { title: "?" }) };
      const answer = await send("POST", check, body, {}, last.signal);
      if (answer === null) return null;
      const { ok, refusals = [], alternatives = [], detail = "", errors = {} } = answer.body;
      if (answer.ok) return { ok, refusals, alternatives };
      const messages = Object.values(errors).flat();
      return { ok: false, refusals: (messages.length ? messages : [detail]).map((message) => ({ message })), alternatives: [] };
    },
    book: (body, key) => send("POST", bookings, body, { "Idempotency-Key": key }),
    change: (id, version, body) => send("PATCH", `${bookings}/${id}`, body, { "If-Match": `"${version}"` }),
    show: (id) => send("GET", `${bookings}/${id}`),
  };
}
