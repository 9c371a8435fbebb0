"""People by the thousand: names put together from parts, so that no name is everybody's.

`places` has a handful of names for each country, enough for some hundred sales. Where a hundred thousand
people buy, a search for a name must not find a tenth of them: the languages that most of them speak have
parts of family names here, and more given names. All people are invented.
"""

import re
from collections import Counter
from itertools import accumulate
from random import Random

from app.demo.cast import Shop
from app.demo.customers import AT_HOME, Customer, lives_at
from app.demo.places import BY_CODE, Country, Name, name_of

DIGITS = "0123456789"

# Countries; given names; how family names begin; how they end. "+" joins two parts in all ways.
TABLE = """
DE AT CH; Anna, Ben, Clara, Dieter, Emil, Frieda, Georg, Hanna, Ida, Jonas, Karin, Lukas, Marie, Nils, Olga,
    Paul, Ruth, Sabine, Tim, Ulrike, Viktor, Wiebke, Yvonne;
    Berg, Brink, Busch, Eich, Feld, Fisch, Grün, Hart, Hof, Holz, Kirch, Klein, Lang, Linden, Mühl, Neu,
    Ober, Ost, Rosen, Sand, Schön, Stein, Wald, Weiden + bach, bauer, berger, brandt, dorf, eder, felder,
    hagen, hammer, haus, heim, hofer, horst, inger, kamp, mann, meier, müller, rath, reich, sauer, stedt
US GB CA AU NZ IE ZA; Abigail, Blake, Chloe, Daniel, Eleanor, Frank, Grace, Harold, Isla, Jack, Kiara, Leo,
    Mabel, Nathan, Olive, Peter, Quinn, Rosie, Samuel, Tessa, Victor, Wendy, Zachary;
    Ash, Black, Brad, Brook, Church, Clay, Dray, Ever, Green, Hart, Hazel, Kings, Lang, Marsh, Mill, North,
    Oak, Red, Stan, Thorn, West, Whit, Win, Wood + bourne, bridge, burn, bury, by, combe, dale, field,
    ford, ham, hurst, ley, low, man, mere, more, ridge, son, stead, stone, ton, well, wick, worth
FR BE; Adèle, Bastien, Camille, Damien, Estelle, Fabrice, Gisèle, Hugo, Inès, Jules, Léa, Mathis, Nadia,
    Odile, Pascal, Rémi, Solène, Tristan, Violette, Yann;
    Beau, Bel, Bon, Champ, Clair, Font, Fort, Grand, Haute, La, Long, Mal, Mont, Neuf, Noir, Pré, Roche,
    Val, Vieux + bert, blanc, bois, bourg, croix, fleur, fontaine, lac, lande, main, mare, neau, pierre,
    plante, quet, ry, tier, vallon, verdier, ville
NL; Anneke, Bram, Cornelis, Daan, Els, Femke, Gijs, Hanneke, Ilse, Joris, Koen, Lotte, Maarten, Noor, Pieter,
    Roos, Sanne, Thijs, Veerle, Wouter;
    Berken, Brouw, Dijk, Groen, Haar, Hoek, Hout, Kamp, Linden, Meulen, Molen, Ooster, Poort, Rijk, Veen,
    Water, Wester, Wind, Zand + beek, berg, burg, daal, dam, dijk, donk, gaard, hof, horst, huis, kerk,
    laan, mans, meer, stra, veld, vliet, voort, wijk
SE NO DK; Agneta, Birger, Cecilie, Dag, Elin, Freja, Gunnar, Helle, Ida, Jens, Kirsten, Lars, Mikkel, Nora,
    Ola, Pia, Rune, Signe, Torsten, Ulla, Viggo;
    Ahl, Alm, Berg, Björk, Ek, Eng, Falk, Gran, Grön, Hag, Hed, Holm, Lind, Lund, Löv, Nord, Ny, Rosen,
    Sand, Sjö, Ström, Söder, Väst + bäck, blad, blom, dahl, fors, gren, hult, kvist, man, mark, näs, quist,
    skog, stedt, strand, sund, torp, vall, vik
PL CZ; Adam, Barbara, Cyryl, Dorota, Emil, Felicja, Grażyna, Hubert, Irena, Jakub, Kinga, Lech, Marta,
    Norbert, Oliwia, Piotr, Renata, Stefan, Urszula, Wanda;
    Baran, Bor, Brzez, Chmiel, Czar, Dobr, Gaj, Jabłon, Jan, Kalin, Kozł, Lip, Maj, Olsz, Orl, Pawl, Sad,
    Sokol, Staw, Tom, Wiśn, Zar + czak, czyk, ek, icki, iec, iewicz, ik, inek, owiak, owicz, owiec, owka,
    uk, uszek
IT; Alberto, Bianca, Carlo, Daria, Elio, Franca, Giulio, Ilaria, Lorenzo, Marta, Nino, Ornella, Paola,
    Rosa, Silvio, Teresa, Ugo, Vera;
    Bel, Bor, Cal, Cam, Cap, Cast, Ferr, Font, Gall, Lomb, Mar, Mont, Mor, Ner, Pal, Pell, Ross, Sal, Sant,
    Tor, Val, Vent, Zan + acci, agna, aldi, anti, ari, ati, ella, elli, eri, esi, etti, iani, icci, ieri,
    ini, oli, oni, otti, ucci, uzzi
ES PT BR MX AR; Alonso, Beatriz, Carmen, Diego, Elena, Felipe, Gloria, Hugo, Irene, Javier, Lucía, Mateo,
    Noemi, Olga, Pablo, Raquel, Sofía, Tomás, Valeria;
    Al, Arr, Bar, Ben, Cal, Carr, Cast, Cer, Esc, Far, Gal, Mend, Mir, Mor, Nav, Ol, Pal, Quint, Rob, Sal,
    Ver, Zal + ales, alta, anda, ares, ava, edo, ena, era, ero, illa, ín, ino, oba, ón, osa, oso, ueta,
    ueza
JP; 葵=Aoi, 陽菜=Hina, 蓮=Ren, 大翔=Hiroto, 美咲=Misaki, 悠真=Yuma, 凛=Rin, 樹=Itsuki, 千尋=Chihiro,
    直樹=Naoki, 彩=Aya, 誠=Makoto, 恵=Megumi, 翼=Tsubasa;
    山=Yama, 中=Naka, 小=Ko, 大=Oo, 石=Ishi, 森=Mori, 島=Shima, 藤=Fuji, 松=Matsu, 高=Taka, 西=Nishi, 北=Kita,
    上=Ue, 青=Ao, 白=Shira, 水=Mizu, 竹=Take, 杉=Sugi, 宮=Miya, 岩=Iwa + 田=da, 川=kawa, 村=mura, 本=moto,
    原=hara, 野=no, 沢=zawa, 崎=zaki, 谷=tani, 井=i, 岡=oka, 浦=ura, 橋=bashi, 口=guchi, 瀬=se, 塚=tsuka
CN; 伟=Wei, 芳=Fang, 娜=Na, 静=Jing, 强=Qiang, 磊=Lei, 勇=Yong, 艳=Yan, 杰=Jie, 涛=Tao, 霞=Xia, 平=Ping,
    文=Wen, 辉=Hui + 英=ying, 华=hua, 玉=yu, 兰=lan, 红=hong, 春=chun, 宇=yu, 轩=xuan, 涵=han, 怡=yi, 欣=xin;
    王=Wang, 张=Zhang, 刘=Liu, 陈=Chen, 杨=Yang, 黄=Huang, 赵=Zhao, 吴=Wu, 周=Zhou, 徐=Xu, 孙=Sun, 马=Ma,
    朱=Zhu, 胡=Hu, 郭=Guo, 何=He, 林=Lin, 罗=Luo, 郑=Zheng, 梁=Liang
KR; 서=Seo, 민=Min, 지=Ji, 하=Ha, 준=Jun, 도=Do, 예=Ye, 수=Su, 유=Yu, 시=Si, 은=Eun, 현=Hyun + 연=yeon,
    우=woo, 윤=yoon, 호=ho, 아=ah, 진=jin, 빈=bin, 영=young, 희=hee, 원=won;
    김=Kim, 이=Lee, 박=Park, 최=Choi, 정=Jung, 강=Kang, 조=Cho, 윤=Yoon, 장=Jang, 임=Lim, 한=Han, 오=Oh,
    서=Seo, 신=Shin, 권=Kwon, 황=Hwang
"""


def _together(said: str) -> tuple[Name, ...]:
    """Read names from a list, or from the two lists whose parts make them."""
    firsts, *seconds = ([name_of(part) for part in half.split(", ")] for half in said.split(" + "))
    if not seconds:
        return tuple(firsts)
    # The frequent names come first: they had better not all begin alike.
    return tuple(Name(a.written + b.written, a.plain + b.plain) for b in seconds[0] for a in firsts)


def _tongues() -> dict[str, Country]:
    """Return every country with as many names as there are for it."""
    known = dict(BY_CODE)
    for row in re.split(r"\n(?=\S)", TABLE.strip()):
        codes, given, family = " ".join(row.split()).split("; ")
        for code in codes.split():
            country = BY_CODE[code]
            more = _together(given)
            known[code] = country._replace(
                given=country.given + more, family=country.family + _together(family)
            )
    return known


COUNTRY = _tongues()
CODES = tuple(COUNTRY)
WEIGHTS = tuple(accumulate(country.weight for country in COUNTRY.values()))
# How uneven family names are spread: at 1 all are alike.
UNEVEN = 1.7


class Crowd:
    """Everybody who buys: no two of them in a store have the same login."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._namesakes: Counter[tuple[int, str]] = Counter()

    def somebody(self, shop: Shop, code: str | None, region: str | None = None) -> Customer:
        """Draw a new customer of a store, from this country and region where they are named."""
        rng = self.rng
        if code is None:
            is_near = rng.random() * 100 < AT_HOME
            code = shop.said.home if is_near else rng.choices(CODES, cum_weights=WEIGHTS)[0]
        country = COUNTRY[code]
        given = country.given[int(len(country.given) * rng.random())]
        family = country.family[int(len(country.family) * rng.random() ** UNEVEN)]
        written = (family, given) if country.is_family_first else (given, family)
        name = " ".join(part.written for part in written)
        key = (shop.store.id, f"{given.plain}.{family.plain}")
        self._namesakes[key] += 1
        city = rng.choice([c for c in country.cities if region in {None, c.region}] or country.cities)
        city = city._replace(postal_code=near(rng, city.postal_code))
        # The numbers up to 99 are those of customers drawn one by one.
        login = f"{key[1]}{99 + self._namesakes[key]}"
        return Customer(name, login, lives_at(rng, country, name, city))


def near(rng: Random, postal_code: str) -> str:
    """Return a postcode of the same shape, in the same part of the country: the last digits differ."""
    letters = list(postal_code)
    last = [n for n, letter in enumerate(letters) if letter.isdigit()][-3:]
    for n in last:
        letters[n] = DIGITS[int(10 * rng.random())]
    return "".join(letters)
