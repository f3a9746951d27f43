"""Slows the browser down as on a busy machine, to find races in tests and pages."""

RATE = 8  # times slower than this machine

# Requests and frames are delayed by random times, so their order varies too.
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
    """Slow a page's CPU, and delay its requests and drawing at random, by a seed."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": RATE})
    page.add_init_script(LATE.replace("SEED", str(seed)))
