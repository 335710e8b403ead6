document.addEventListener("click", (event) => {
  const button = event.target.closest('button[name="fn-open"]');
  if (!button) return;
  trigger("open", { place: button.value });
  // On a narrow page the panel is under the chat.
  const side = document.querySelector("#fn-side");
  if (side.getBoundingClientRect().top > window.innerHeight / 2) side.scrollIntoView();
});
