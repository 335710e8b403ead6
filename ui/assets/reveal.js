() => {
  // The panel is drawn a moment after its value arrives, and later still if its tab was closed.
  const reveal = (tries) => {
    const text = document.querySelector("#fn-panel .fn-doc-text");
    if (!text || text.clientHeight === 0) {
      if (tries > 0) setTimeout(() => reveal(tries - 1), 50);
      return;
    }
    const place = text.querySelector("mark, .fn-around");
    const offset = place ? place.getBoundingClientRect().top - text.getBoundingClientRect().top : 0;
    text.scrollTop = place ? text.scrollTop + offset - text.clientHeight / 3 : 0;
  };
  setTimeout(() => reveal(20), 50);
}
