/** The buttons: each asks once more, says what will happen, and shows what power answers. */




/** What the browser sends: lengths are still text. */




const METHODS = { start: "POST", stop: "POST", hold: "PUT", resume: "DELETE" }         ;


const one =                    (selector        , kind             )    => {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page has no ${selector}.`);
  return found;
};

const isAct = (text                    )              => text !== undefined && text in METHODS;

function addressOf(act     , instance        )         {
  return act === "hold" || act === "resume"
    ? "api/v1/hold"
    : `api/v1/instances/${encodeURIComponent(instance)}/${act}`;
}

/** @returns why it was refused; undefined when it was done. */
async function send(act     , instance        , body      )                              {
  const { csrf = "" } = document.body.dataset;
  const response = await fetch(addressOf(act, instance), {
    method: METHODS[act],
    headers: { "content-type": "application/json", "x-csrf-token": csrf },
    body: JSON.stringify(body),
  });
  if (response.ok) return undefined;
  const problem                   = await response.json().catch(() => ({}));
  return problem.detail ?? `${response.status} ${response.statusText}`;
}

export function followButtons(changed            )       {
  const dialog = one("#confirm", HTMLDialogElement);
  const form = one("#confirm form", HTMLFormElement);
  const title = one("#confirm-title", HTMLHeadingElement);
  const will = one("#confirm-will", HTMLParagraphElement);
  const hold = one("#confirm-hold", HTMLFieldSetElement);
  const refused = one("#confirm-refused", HTMLParagraphElement);
  const yes = one("#confirm-yes", HTMLButtonElement);
  let asked                                            ;

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-act]") : null;
    if (!(button instanceof HTMLButtonElement) || !isAct(button.dataset.act)) return;
    const label = (button.textContent ?? "").replace("…", "");
    asked = { act: button.dataset.act, instance: button.dataset.instance ?? "" };
    form.reset();
    title.textContent = label;
    will.textContent = button.dataset.will ?? "";
    refused.textContent = "";
    yes.textContent = label;
    yes.className = `act-${asked.act}`;
    hold.hidden = asked.act !== "hold";
    hold.disabled = hold.hidden;
    dialog.showModal();
  });
  one("#confirm-no", HTMLButtonElement).addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (asked === undefined) return;
    const data = new FormData(form);
    const text = (name        ) => String(data.get(name) ?? "").trim();
    const actor = document.body.dataset.name ?? "";
    const mode = text("mode");
    const modes = ["as_is", "on", "off"]         ;
    const held = modes.find((each) => each === mode);
    const body       = {
      reason: text("reason"),
      ...(actor === "" ? {} : { actor }),
      ...(held === undefined ? {} : { mode: held }),
      ...(text("for") === "" ? {} : { for: text("for") }),
    };
    const label = yes.textContent;
    yes.disabled = true;
    yes.textContent = yes.dataset.busy ?? label;
    const words = await send(asked.act, asked.instance, body).catch((error         ) => String(error));
    yes.disabled = false;
    yes.textContent = label;
    changed();
    if (words === undefined) dialog.close();
    else refused.textContent = words;
  });
}
