() => {
  setTimeout(() => {
    // Gradio's name of a message is its markup.
    for (const said of document.querySelectorAll("#fn-log .message > [data-testid]")) {
      said.role = "group";
      said.ariaLabel = said.dataset.testid === "user" ? "Question" : "Answer";
    }
    // The latest question goes to the top, so that its answer is read from its beginning.
    const asked = [...document.querySelectorAll("#fn-log .user-row")].pop();
    if (asked) {
      const log = asked.closest(".panel-wrap");
      log.scrollTop += asked.getBoundingClientRect().top - log.getBoundingClientRect().top + 14;
      // On a narrow page the box can be in view, and the conversation above it not.
      if (log.getBoundingClientRect().top < 0) log.scrollIntoView();
    }
    // An example that was chosen is gone, or the button that cleared, and the focus with it. On a
    // touch screen the box would bring up the keyboard.
    if (document.activeElement === document.body && matchMedia("(hover: hover)").matches) {
      document.querySelector("#fn-box textarea")?.focus({ preventScroll: true });
    }
  }, 50);
}
