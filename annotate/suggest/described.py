"""Help texts and comments that say what a value is: "L2 regularization", "gradient clipping"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from annotate.kinds import keyword
from annotate.suggest.site import Script, Site

#: What a text calls a value, and the name that the rules know.
_WORDS = tuple(
    (re.compile(text), name)
    for text, name in (
        (r"learning[ -]rate|lr", "learning_rate"),
        (r"(l[12]|weight)[ -](regulari[sz]ation|regulari[sz]er|penalty|decay)", "weight_decay"),
        (r"weight decay|regulari[sz]ation", "weight_decay"),
        (r"gradients?[ -](clip(ping)?|norm)|clip(ping)? (of )?(the )?gradients?", "grad_clip"),
        (r"max(imum)? (gradient )?norm|max(imum)? norm of (the )?gradients?", "grad_clip"),
        (r"drop-?out", "dropout"),
        (r"label smoothing", "label_smoothing"),
        (r"(mini-?)?batch[ -]?size|size of (the |each |a )?(mini-?)?batch(es)?", "batch_size"),
        (r"(decay of )?first order momentum( of (the )?gradients?)?|beta_?1", "beta1"),
        (r"(decay of )?second order momentum( of (the )?gradients?)?|beta_?2", "beta2"),
        (r"momentum", "momentum"),
        (r"hidden (layer )?(units?|size|dimensions?|width|nodes|neurons)", "hidden_size"),
        (r"(units|neurons|nodes) (in|of|per) (the |each |a )?(hidden )?layers?", "hidden_size"),
        (r"(size|width|dimension) of (the |each |a )?hidden (layers?|state)", "hidden_size"),
        (r"embedding (size|dimensions?|width)", "embedding_dim"),
        (r"(size|dimension(ality)?) of (the )?(\w+ )?(embeddings?|latent space)", "latent_dim"),
        (r"(hidden )?layers", "num_layers"),
        (r"(attention )?heads", "num_heads"),
        (r"(trees|boosting rounds)", "n_estimators"),
        (r"discount( factor)?( gamma)?", "discount"),
        (r"entropy (bonus|coefficient|weight)", "entropy_coef"),
        (r"warm-?up (steps|iterations|epochs)", "warmup_steps"),
    )
)
#: What may stand before and after such words in a short text.
_BEFORE = (
    r"((the|a|an|input|initial|base|maximum|max|starting|training|number of|amount of|strength of"
    r"|rate of|value of|probability of|weight of|coefficient of|\w+:|adam|sgd|default) )*"
)
_AFTER = (
    r"( (rate|prob(ability)?|ratio|factor|value|strength|weight|coefficient|parameter|threshold"
    r"|constant|lambda|term|size|norm|to use|applied to layers))*"
    r"(( (for|of|in|on|used|per|in the) .{0,50})|)"
)
_CLAUSE = re.compile(r"[.;,(\[\n=]|--|: (?=\d)")


def renamed(script: Script, site: Site) -> Iterator[Site]:
    """The site under each name that its help, its comment or its docstring gives it."""
    for text in _texts(script, site):
        clause = " ".join(_CLAUSE.split(text.lower(), maxsplit=1)[0].split()).strip("# ")
        for pattern, name in _PATTERNS:
            if pattern.fullmatch(clause):
                if name == "beta1" and site.name.endswith("2"):
                    name = "beta2"  # a common slip: the help of b1, copied
                yield replace(site, target=replace(site.target, name=name))


_PATTERNS = tuple((re.compile(_BEFORE + f"({p.pattern})" + _AFTER), name) for p, name in _WORDS)


def _texts(script: Script, site: Site) -> Iterator[str]:
    """Texts about a value: its option's help, the comment behind it, the string below it."""
    if site.target.kind == keyword.KIND:
        return
    if site.help:
        yield site.help
    end = script.tree.span(site.target.value)[1]
    if comment := script.comment_behind(end):
        yield comment
    if text := script.string_below(end):
        yield text
