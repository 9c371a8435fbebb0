"""The demo: three stores with their people and a year and a half of sales, all invented.

The same seed, sizes and moment make the same rows. Everything is drawn from one random.Random, and all
that happens to a sale happens by the acts, in the order of time, so that history and tally are right.

    cast       the demo's people and stores
    places     countries, cities and names        wares     what the stores sell
    words      notes, messages, reviews           numbers   tracking numbers with right check digits
    hours      when people buy and stores work    sales     one sale and the steps of its life
    ordinary   sales drawn by chance              showpieces, showcase    sales that show one thing each
    build      the loading

Nothing here commits: the door does.
"""
