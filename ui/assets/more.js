() => {
  // Gradio names this button by a key of its translations, and the keyboard opens only the one inside.
  setTimeout(() => {
    const more = document.querySelector("#fn-files .icon-button:has(input)");
    if (!more) return;
    more.title = more.ariaLabel = "Choose more files";
    more.tabIndex = -1;
  }, 50);
}
