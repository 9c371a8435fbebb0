"""Okanjo's marketplace API, "Sales" (seed 000): a store's order items, for programs; and the buyer's side.

Glossary, theirs and ours: a *sale*, *sale item* or *order item* is an OrderItem. A *seller* is a Store,
by its id; a *buyer* is the Buyer as that store knows them, a *user* an Account. A *Giving Reward* is a deal.
*Vendor level* is the right ACKNOWLEDGE. The *tracking* of an item is that of its newest parcel. A *media* is
a picture of the product. *OrderStatus* and *ProductType* are ItemStatus and ProductType, number for number:
the desk keeps Okanjo's codes as they are, so there is no table between them. Okanjo pages by `page_size` and
`page_start_index`, which counts rows from zero (reference 1.2).

`asked` has the forms, `objects`, `item` and `orders` the presenters, `sales`, `bought` and `feedback` the
calls, `faults` what they answer where they cannot do their work, `signing` how programs sign in.
"""

from app.api.okanjo import bought, feedback, sales
from app.api.okanjo.faults import blueprint

__all__ = ["blueprint", "bought", "feedback", "sales"]
