() => {
  // The latest question goes to the top, so that its answer is read from its beginning.
  setTimeout(() => {
    const log = document.querySelector("#fn-log .panel-wrap");
    const asked = log && [...log.querySelectorAll(".user-row")].pop();
    if (!asked) return;
    log.scrollTop += asked.getBoundingClientRect().top - log.getBoundingClientRect().top + 14;
    // An example that was clicked is gone, and the focus with it. On a touch screen the box would
    // bring up the keyboard.
    if (document.activeElement === document.body && matchMedia("(hover: hover)").matches) {
      document.querySelector("#fn-box textarea").focus({ preventScroll: true });
    }
  }, 50);
}
