() => {
  // Gradio gives the button beside the box a picture and no name, and the box that button's name too.
  document.querySelector("#fn-box .submit-button")?.setAttribute("aria-label", "Ask");
  document.querySelector("#fn-box textarea")?.setAttribute("aria-label", "Your question");
}
