// The page's address after its #, read when the page opens and kept in step with what is shown.
function render({ model }) {
  const read = () => {
    const asked = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    if (!Object.keys(asked).length) return;
    model.set("asked", asked);
    model.save_changes();
  };
  const write = () => {
    const text = new URLSearchParams(model.get("shown")).toString();
    history.replaceState(history.state, "", text ? `#${text}` : location.pathname + location.search);
  };
  read();
  model.on("change:shown", write);
  window.addEventListener("hashchange", read); // a link pasted into an open page
  return () => {
    model.off("change:shown", write);
    window.removeEventListener("hashchange", read);
  };
}

export default { render };
