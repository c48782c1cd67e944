/** The login page: passes by user name and password, or when the person behind it passed on a phone. */

/** Wait before asking again when the server did not answer. */
const RETRY_MS = 500;

export function enter({ csrfToken, redirect }) {
  localStorage.setItem("u-csrf-token", csrfToken);
  // Only a path of this origin: anything else would send the person's browser to a stranger.
  const wished = new URLSearchParams(location.search).get("redirect") ?? redirect;
  const target = new URL(wished, location.origin);
  location.replace(target.origin === location.origin ? target.href : redirect);
}

const form = document.querySelector("form");
if (form !== null) {
  const button = form.querySelector("button[type=submit]");
  const error = form.querySelector(".uc-fe-form-error");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    const answer = await fetch("/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    const body = await answer.json();
    if (answer.ok) enter(body);
    else error.textContent = body.message;
  });
  // Until now a click would have sent the form without this script.
  button.disabled = false;
}

async function waitForPerson() {
  const url = `/login/poll?ticket=${document.body.dataset.ticket}`;
  for (;;) {
    try {
      const body = await (await fetch(url)).json();
      if (!body.waiting) {
        enter(body);
        return;
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
waitForPerson();
