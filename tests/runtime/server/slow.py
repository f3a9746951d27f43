"""A browser as it is on a machine with much else to do, for finding tests and pages that race."""

RATE = 8  # times slower than this machine

# What a page asks for, and its frames, come late by a random time, in whatever order that makes.
LATE = """(() => {
  let state = SEED;
  const upTo = (most) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (most * state) / 2 ** 32;
  };
  const late = (most) => new Promise((go) => setTimeout(go, upTo(most)));
  const { fetch, requestAnimationFrame } = window;
  window.fetch = async (...words) => {
    await late(200);
    const answer = await fetch(...words);
    await late(200);
    return answer;
  };
  window.requestAnimationFrame = (draw) => setTimeout(() => requestAnimationFrame(draw), upTo(400));
})();"""


def slow_down(page, seed: int) -> None:
    """Slow a page's processor, and delay what it asks for and its drawing, by chance of a seed."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": RATE})
    page.add_init_script(LATE.replace("SEED", str(seed)))
