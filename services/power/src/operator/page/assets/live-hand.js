/** Mouse, wheel, touch, keyboard, paste and input methods of this browser, as the console's page is to get them. */


/** Between two clicks of a double click, in time and place. */
const DOUBLE_MS = 400;
const DOUBLE_PX = 5;
/** A finger that has not moved so far, or rested so long, may still become one of two that scroll. */
const FINGER_PX = 6;
const FINGER_MS = 150;




const BUTTONS = ["left", "middle", "right"]         ;

function modifiersOf(event                            )         {
  return (
    Number(event.altKey) + 2 * Number(event.ctrlKey) + 4 * Number(event.metaKey) + 8 * Number(event.shiftKey)
  );
}

/** @param active whether this person controls. */
export function followHand(
  screen                   ,
  keys                     ,
  active               ,
  send      ,
)       {
  followMouse(screen, keys, active, send);
  followFingers(screen, keys, active, send);
  followKeys(keys, active, send);
}

/** From the picture on this screen to the page's own pixels. */
function placeOn(screen                   , { clientX, clientY }            )                           {
  const { left, top, width, height } = screen.getBoundingClientRect();
  const round = (value        ) => Math.round(value * 10) / 10;
  return {
    x: round(((clientX - left) / width) * Number(screen.dataset.width ?? screen.width)),
    y: round(((clientY - top) / height) * Number(screen.dataset.height ?? screen.height)),
  };
}

function followMouse(
  screen                   ,
  keys                     ,
  active               ,
  send      ,
)       {
  let last = { at: 0, x: 0, y: 0, clicks: 0 };
  const mouse = (event              , kind               , clicks        )        => ({
    type: "mouse",
    kind,
    ...placeOn(screen, event),
    button: kind === "move" ? "none" : (BUTTONS[event.button] ?? "none"),
    buttons: event.buttons & 7,
    clicks,
    modifiers: modifiersOf(event),
    at: event.timeStamp,
  });
  const ours = (event              ) => active() && event.pointerType !== "touch";
  screen.addEventListener("pointerdown", (event) => {
    if (!ours(event)) return;
    event.preventDefault();
    screen.setPointerCapture(event.pointerId);
    keys.focus({ preventScroll: true });
    const { x, y } = placeOn(screen, event);
    const again =
      event.timeStamp - last.at < DOUBLE_MS &&
      Math.hypot(x - last.x, y - last.y) < DOUBLE_PX &&
      last.clicks < 3;
    last = { at: event.timeStamp, x, y, clicks: again ? last.clicks + 1 : 1 };
    send(mouse(event, "down", last.clicks));
  });
  screen.addEventListener("pointermove", (event) => {
    if (!ours(event)) return;
    // The browser hands over several moves at once; a slider that looks at the path wants each.
    const moves = event.getCoalescedEvents();
    for (const each of moves.length === 0 ? [event] : moves)
      send({ ...mouse(each, "move", 0), buttons: event.buttons & 7 });
  });
  for (const name of ["pointerup", "pointercancel"]         )
    screen.addEventListener(name, (event) => {
      if (ours(event)) send(mouse(event, "up", last.clicks));
    });
  screen.addEventListener("contextmenu", (event) => event.preventDefault());
  screen.addEventListener(
    "wheel",
    (event) => {
      if (!active()) return;
      event.preventDefault();
      const line = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const { x, y } = placeOn(screen, event);
      send({
        type: "wheel",
        x,
        y,
        dx: event.deltaX * line,
        dy: event.deltaY * line,
        modifiers: modifiersOf(event),
        at: event.timeStamp,
      });
    },
    { passive: false },
  );
}

/** One finger is the mouse, as the console's page expects one; two scroll. */
function followFingers(
  screen                   ,
  keys                     ,
  active               ,
  send      ,
)       {
  const fingers = new Map                                  ();
  let pressed = false;
  let waiting                                             ;
  const mouse = (event              , kind               )        => ({
    type: "mouse",
    kind,
    ...placeOn(screen, event),
    button: kind === "move" ? "none" : "left",
    buttons: kind === "up" ? 0 : 1,
    clicks: kind === "move" ? 0 : 1,
    modifiers: 0,
    at: event.timeStamp,
  });
  const press = () => {
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    send({ ...waiting.first, kind: "move", button: "none", buttons: 0, clicks: 0 });
    send(waiting.first);
    waiting = undefined;
    pressed = true;
  };
  const ours = (event              ) => active() && event.pointerType === "touch";
  screen.addEventListener("pointerdown", (event) => {
    if (!ours(event)) return;
    event.preventDefault();
    screen.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, placeOn(screen, event));
    if (fingers.size === 1)
      waiting = { first: mouse(event, "down"), timer: window.setTimeout(press, FINGER_MS) };
    else if (waiting !== undefined) {
      clearTimeout(waiting.timer);
      waiting = undefined;
    }
  });
  screen.addEventListener("pointermove", (event) => {
    const from = fingers.get(event.pointerId);
    if (!ours(event) || from === undefined) return;
    const to = placeOn(screen, event);
    if (fingers.size > 1 && !pressed) {
      fingers.set(event.pointerId, to);
      send({
        type: "wheel",
        ...to,
        dx: (from.x - to.x) / fingers.size,
        dy: (from.y - to.y) / fingers.size,
        modifiers: 0,
        at: event.timeStamp,
      });
      return;
    }
    if (waiting !== undefined && Math.hypot(to.x - from.x, to.y - from.y) > FINGER_PX) press();
    if (!pressed) return;
    const moves = event.getCoalescedEvents();
    for (const each of moves.length === 0 ? [event] : moves) send(mouse(each, "move"));
  });
  for (const name of ["pointerup", "pointercancel"]         )
    screen.addEventListener(name, (event) => {
      if (!ours(event) || !fingers.delete(event.pointerId)) return;
      press();
      if (pressed) send(mouse(event, "up"));
      pressed = false;
      // Within the gesture: only so a phone shows its keyboard.
      keys.focus({ preventScroll: true });
    });
}

function followKeys(keys                     , active               , send      )       {
  const down = new Map                                             ();
  const key = (event               , kind               )                                      => ({
    type: "key",
    kind,
    key: event.key,
    code: event.code,
    keyCode: Math.min(255, event.keyCode),
    location: event.location,
    repeat: event.repeat,
    modifiers: modifiersOf(event),
    at: event.timeStamp,
  });
  const text = (words        ) => {
    if (words !== "" && active()) send({ type: "text", text: words, at: performance.now() });
    keys.value = "";
  };
  keys.addEventListener("keydown", (event) => {
    // What an input method composes comes as a text when it is finished.
    if (!active() || event.isComposing || event.keyCode === 229 || event.key === "Unidentified") return;
    if (event.key === "F6") {
      event.preventDefault();
      document.querySelector             ("#live-release")?.focus();
      return;
    }
    // The browser itself pastes, and so nobody has to be asked for the clipboard.
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "v") return;
    event.preventDefault();
    const pressed = key(event, "down");
    down.set(event.code, pressed);
    send(pressed);
  });
  keys.addEventListener("keyup", (event) => {
    if (!active() || !down.delete(event.code)) return;
    event.preventDefault();
    send(key(event, "up"));
  });
  // Whoever looks elsewhere with a key held down would have it held for ever.
  keys.addEventListener("blur", () => {
    for (const each of down.values()) send({ ...each, kind: "up", modifiers: 0, at: performance.now() });
    down.clear();
  });
  keys.addEventListener("paste", (event) => {
    event.preventDefault();
    text(event.clipboardData?.getData("text/plain") ?? "");
  });
  keys.addEventListener("compositionend", (event) => text(event.data));
  // A phone's keyboard tells of texts, not of keys.
  keys.addEventListener("beforeinput", (event) => {
    if (event.isComposing || event.inputType === "insertCompositionText") return;
    event.preventDefault();
    if (event.inputType === "deleteContentBackward") strike(send, "Backspace", 8);
    else if (event.inputType === "insertLineBreak") strike(send, "Enter", 13);
    else text(event.data ?? "");
  });
}

function strike(send      , name        , keyCode        )       {
  for (const kind of ["down", "up"]         )
    send({
      type: "key",
      kind,
      key: name,
      code: name,
      keyCode,
      location: 0,
      repeat: false,
      modifiers: 0,
      at: performance.now(),
    });
}
