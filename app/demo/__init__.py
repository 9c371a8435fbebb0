"""The demo: three stores with their people and a year and a half of sales, all invented.

The same seed, sizes and moment make the same rows. Everything is drawn from one random.Random, and all
that happens to a sale happens by the acts, in the order of time, so that history and tally are right. Beyond
some hundred sales the bulk writer makes copies of those, again in the order of time.

    cast       the demo's people and stores
    places     countries, cities and names        wares     what the stores sell
    words      notes, messages, reviews           numbers   tracking numbers with right check digits
    hours      when people buy and stores work    sales     one sale and the steps of its life
    ordinary   sales drawn by chance              showpieces, showcase    sales that show one thing each
    build      the loading

    bulk       the bulk writer of copies          patterns, taking    played sales, taken apart for it
    crowd      people by the thousand             regulars            those of them who come back
    ranges     wares in many designs              outside             outside ids, counted on

Nothing here commits: the door does.
"""
