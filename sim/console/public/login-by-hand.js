/** The login of a person: a slider whose way is judged, then a code that is sent to the phone. */
import { enter } from "./login.js";

const { ticket } = document.body.dataset;
const track = document.querySelector(".login-slider");
const knob = track.querySelector("span");
const error = document.querySelector(".uc-fe-form-error");
const sendCode = document.querySelector("#send-code");
const field = (name) => document.querySelector(`input[name=${name}]`).value;

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ticket, ...body }),
  });
  const said = await answer.json();
  error.textContent = answer.ok ? "" : said.message;
  return answer.ok ? said : undefined;
}

let slide;
knob.addEventListener("mousedown", (event) => {
  slide = [[event.clientX, event.clientY, event.timeStamp]];
  event.preventDefault();
});
addEventListener("pointermove", (event) => {
  if (slide === undefined) return;
  for (const each of event.getCoalescedEvents()) slide.push([each.clientX, each.clientY, each.timeStamp]);
  const way = Math.max(0, Math.min(track.clientWidth - knob.clientWidth, event.clientX - slide[0][0]));
  knob.style.transform = `translateX(${way}px)`;
});
addEventListener("mouseup", async () => {
  if (slide === undefined) return;
  const led = slide;
  slide = undefined;
  const passed = (await ask("/login/slide", { slide: led })) !== undefined;
  track.classList.toggle("is-passed", passed);
  if (passed) track.querySelector("b").textContent = "验证通过";
  else knob.style.transform = "";
  sendCode.disabled = !passed;
});
sendCode.addEventListener("click", async () => {
  if (await ask("/login/send-code", { phone: field("phone") })) sendCode.textContent = "已发送";
});
document.querySelector("#enter").addEventListener("click", async () => {
  const said = await ask("/login/code", { phone: field("phone"), code: field("code") });
  if (said !== undefined) enter(said);
});
