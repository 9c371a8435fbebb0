"""What the demo's people write: notes, gift messages, reviews, in several tongues."""

BUYER_NOTES = (
    "Please leave it with the neighbour at number 12.",
    "Bitte ohne Plastik verpacken, danke!",
    "Is the green rather dark or rather bright? Either is fine.",
    "Merci de ne pas plier l’enveloppe 🙏",
    "急ぎません。よろしくお願いします。",
    "It is for a wedding on the 14th, so please not later than the 10th.",
    "من فضلكم اتصلوا قبل التسليم",
    "Ring twice, the bell is shy.",
)

GIFT_MESSAGES = (
    "Happy birthday, Grandma! Write me a letter with it. Yours, Jonas",
    "Alles Liebe zum Einzug, deine Nachbarinnen",
    "С днём рождения! Обнимаем крепко.",
    "For the best pen pal in the world ✉️",
    "Congratulations on the new job. Here is something to sign things with.",
)

PRIVATE_NOTES = (
    "Gift, no invoice in the parcel.",
    "Asked for the invoice by e-mail, sent.",
    "Second order this week: put a sample in.",
    "Address looks odd, compared it with the last order: it is right.",
    "Out of kraft C6, took them from the workshop's shelf.",
    "Phoned: collects on Thursday.",
)

VISIBLE_NOTES = (
    "Thank you! Your cards are being printed and leave on Friday.",
    "We have put the wax in a box of its own so that it does not break.",
    "The blue lining is sold out; we send marble instead, as agreed.",
    "Your kit lies ready at the counter, Tuesday to Saturday, 10 to 18.",
)

REVIEWS = (
    (5, "Beautiful paper, and so well packed."),
    (5, "Wunderschön, gerne wieder!"),
    (5, ""),
    (5, "Arrived in three days, half way around the world."),
    (4, "Lovely. The green is a little darker than in the picture."),
    (4, ""),
    (5, "とても丁寧な梱包でした。ありがとうございます。"),
    (3, "Nice, but the envelope had a dent."),
    (2, "Came after the birthday it was for."),
)

SELLER_REVIEWS = ((5, "Paid at once. Thank you."), (5, ""), (4, "A friendly buyer."))

ACKNOWLEDGEMENTS = (
    "Table 4, both courses, voucher kept.",
    "Redeemed at the counter, M. K.",
    "Came with three, paid the rest in cash.",
    "Voucher 2 of 2, seen and stamped.",
)

# For the widths of pages: a title of 255 characters, the longest that is kept.
LONG_TITLE = (
    "Limited winter edition, hand-numbered: accordion-folded panorama of the coast between the two "
    "lighthouses, printed in seven colours on 300 g cotton paper, with a linen slipcase, a booklet by the "
    "printers, a spare sheet for mistakes, and a name that nobody can remember"
)[:255]
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänspostkartensammelalbum"
LONG_NAME = "Maria do Carmo Gonçalves de Albuquerque e Vasconcelos Figueiredo de Sousa Coutinho"
LONG_LOGIN = "donaudampfschifffahrtsgesellschaftskapitaenspostkarten"
LONG_CITY = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch||LL61 5UJ"
