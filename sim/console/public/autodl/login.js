/** Logs in and keeps the token, as a page without cookies does. */
const form = document.querySelector("form");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  const body = await answer.json();
  if (answer.ok) {
    localStorage.setItem("token", body.token);
    location.replace("/console/instance/list");
  } else form.querySelector(".el-form-item__error").textContent = body.message;
});
// Until now a click would have sent the form without this script.
form.querySelector("button").disabled = false;
