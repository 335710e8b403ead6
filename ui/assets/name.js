() => {
  // Gradio gives the button beside the box a picture and no name.
  document.querySelector("#fn-box .submit-button")?.setAttribute("aria-label", "Ask");
}
