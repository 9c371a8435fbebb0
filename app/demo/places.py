"""Where the demo's buyers live and what they are called: 43 countries in their own scripts.

All people are invented: a given name and a family name of the country, drawn apart. Where a language
bends family names by gender, all of its names here are of one.
"""

import re
from random import Random
from typing import NamedTuple

from app.words import fold

# Letters that have no accent to take away.
PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "þ": "th", "ð": "d"})

# Code, how often buyers come from there; telephone; how street and number stand together; given names;
# family names; cities as name|region|postcode; streets. "明=Ming" says how a name is written in an e-mail
# address; accents are taken away by themselves.
TABLE = """
DE 60; +49 30; {street} {n}; Hans-Jürgen, Anke, Jörg, Käthe, Mehmet, Lily; Schmitz, Böttcher, Groß,
    Yıldız, von der Heide;
    Köln||50667, Berlin||10437, Düsseldorf||40213, Görlitz||02826; Lindenstraße, Am Alten Markt,
    Schützengasse
AT 8; +43 1; {street} {n}; Leopold, Maria-Theresia, Valentin, Resi; Gruber, Pichler, Hölzl, Wolfsteiner;
    Wien||1070, Graz||8010, Bad Ischl||4820; Neubaugasse, Kirchplatz, Mühlweg
CH 8; +41 44; {street} {n}; Urs, Giulia, Reto, Anaïs; Zürcher, Bianchi, Cornaz, Ammann;
    Zürich||8004, Genève||1201, Lugano||6900; Seefeldstrasse, Rue du Lac, Via Nassa
FR 14; +33 1; {n} {street}; Élodie, Théo, Zoé, Jean-Noël; Lefèvre, Garçon, Dubois-Roux, N’Diaye;
    Nîmes||30000, Paris||75011, Saint-Étienne||42000; rue des Écoles, quai de l’Île, avenue du Général
NL 9; +31 20; {street} {n}; Sjoerd, Fleur, Anouk, Willem; van den Berg, de Vries, ’t Hart, Bakker;
    ’s-Hertogenbosch||5211 AB, Utrecht||3511 LX, Groningen||9712 CP; Prinsengracht, Korte Nieuwstraat,
    Dijkweg
BE 5; +32 2; {street} {n}; Loïc, Hilde, Noémie, Wout; Peeters, Vandenbroeck, Dupont, Claes;
    Liège||4000, Gent||9000, Bruxelles||1050; rue Neuve, Kouter, Hoogstraat
GB 16; +44 1248; {n} {street}; Owen, Imogen, Siân, Rupert; Fairchild-Montgomery, O’Leary, Ap Rhys,
    Featherstone;
    Ely||CB7 4AA, Glasgow||G1 2FF, Aberystwyth||SY23 1AB; Station Street, Mill Lane, Castle Terrace
IE 3; +353 1; {n} {street}; Niamh, Oisín, Gráinne, Cillian; Ní Bhriain, Ó Súilleabháin, Byrne, McGrath;
    Galway|Co. Galway|H91 T8NW, Dún Laoghaire|Co. Dublin|A96 X6F8; Shop Street, Marine Road
SE 6; +46 470; {street} {n}; Åsa, Björn, Ebba, Örjan; Lindqvist, Sjöberg, Åkesson, Nyström;
    Växjö||352 30, Malmö||211 22, Umeå||903 26; Storgatan, Södra Vägen, Kyrkogatan
NO 4; +47 55; {street} {n}; Sølvi, Håkon, Ingrid, Øyvind; Bjørnstad, Hæreid, Aas, Nygård;
    Bergen||5003, Tromsø||9008, Ålesund||6002; Strandgaten, Øvre Vei, Fjellveien
DK 4; +45 86; {street} {n}; Søren, Mette, Kåre, Bodil; Sørensen, Østergaard, Kjær, Nørgaard;
    Århus||8000, Odense||5000, Rønne||3700; Nørregade, Havnevej, Åboulevarden
FI 3; +358 9; {street} {n}; Päivi, Väinö, Aino, Jyrki; Hämäläinen, Mäkelä, Lehtonen, Yli-Koski;
    Jyväskylä||40100, Helsinki||00170, Seinäjoki||60100; Kauppakatu, Mäntytie, Satamatie
IS 1; +354 5; {street} {n}; Guðrún, Þóra, Ásdís; Þorsteinsdóttir, Ægisdóttir, Björnsdóttir;
    Reykjavík||101, Ísafjörður||400; Laugavegur, Skólavörðustígur
PL 7; +48 61; {street} {n}; Maja, Łukasz, Zofia, Bartłomiej; Kowalczyk, Wójcik, Zając, Dąbek;
    Poznań||61-001, Łódź||90-001, Kraków||31-005; ul. Długa, ul. Świętego Jana, ul. Źródlana
CZ 4; +420 2; {street} {n}; Tereza, Zdeňka, Šárka; Dvořáková, Řezníčková, Žáčková;
    Plzeň||301 00, Praha||110 00, Říčany||251 01; Dlouhá, Nádražní, Květinová
HU 3 family-first; +36 1; {street} {n}; Ágnes, Gergő, Zsófia, Ödön; Szőke, Nagy-Kovács, Tűzkő, Fehér;
    Győr||9021, Budapest||1052, Pécs||7621; Fő utca, Kossuth tér, Rózsa köz
RO 2; +40 21; {street} {n}; Ștefan, Ioana, Răzvan; Țăranu, Popescu, Brânzei;
    Iași||700001, Cluj-Napoca|CJ|400001; Strada Mihai, Calea Victoriei
IT 6; +39 06; {street}, {n}; Niccolò, Chiara, Mosè, Ludovica; D’Angelo, Esposito, Lo Presti, Forlì;
    Forlì|FC|47121, Roma|RM|00184, L’Aquila|AQ|67100; Via Garibaldi, Vicolo del Forno, Piazza Santa Maria
ES 6; +34 91; {street}, {n}; Iñaki, Begoña, Joaquín, Nuria; Muñoz Peña, Etxeberria, Ibáñez, Güell;
    A Coruña||15001, Madrid||28012, Cádiz||11005; Calle Mayor, Plaza del Ángel, Avenida de España
PT 3; +351 21; {street}, {n}; Inês, Gonçalo, Conceição; Magalhães, Simões, Falcão;
    Lisboa||1100-148, Évora||7000-513; Rua do Carmo, Travessa da Espera
GR 3; +30 21; {street} {n}; Ελένη=Eleni, Δέσποινα=Despina, Ζωή=Zoi; Παπαδοπούλου=Papadopoulou,
    Γεωργίου=Georgiou, Ψαρρά=Psarra;
    Αθήνα||105 58, Θεσσαλονίκη||546 24; Ερμού, Λεωφόρος Νίκης
UA 4; +380 44; {street}, {n}; Оксана=Oksana, Тарас=Taras, Їлля=Illia; Шевчук=Shevchuk,
    Коваленко=Kovalenko, Ґудзь=Gudz;
    Київ||01001, Львів||79000; вул. Садова, вул. Князя Романа
BG 2; +359 2; {street} {n}; Йордан=Yordan, Стоян=Stoyan; Георгиев=Georgiev, Щерев=Shterev;
    София||1000, Пловдив||4000; ул. Шипка, бул. Витоша
RS 1; +381 11; {street} {n}; Ђорђе=Djordje, Љиљана=Ljiljana; Јовановић=Jovanovic, Ћирић=Ciric;
    Београд||11000, Ниш||18000; Кнеза Милоша, Цара Душана
TR 4; +90 232; {street} No: {n}; Zeynep, İbrahim, Çağla, Oğuz; Aydın, Şahin, Güneş, Öztürk;
    İzmir||35220, Eskişehir||26010, Muğla||48000; Atatürk Caddesi, Çınar Sokak
EG 2; +20 2; {street} {n}; كريم=Karim, ليلى=Layla, يوسف=Youssef; السيد=ElSayed, منصور=Mansour, عبد
    الله=Abdallah;
    القاهرة||11511, الإسكندرية||21500; شارع النيل, شارع الجمهورية
AE 2; +971 4; {street} {n}; مريم=Maryam, سلطان=Sultan; الهاشمي=AlHashimi, المنصوري=AlMansoori;
    دبي||, أبو ظبي||; شارع الخليج, طريق المطار
IL 3; +972 4; {street} {n}; נועה=Noa, אורי=Ori, תמר=Tamar; בן־עמי=BenAmi, לוי=Levi, כהן־צדק=CohenTzedek;
    חיפה||3303139, תל אביב־יפו||6688102; רחוב הגפן, שדרות הים
IN 4; +91 11; {n}, {street}; आरव=Aarav, प्रिया=Priya, अनन्या=Ananya; शर्मा=Sharma,
    अय्यर=Iyer, कुलकर्णी=Kulkarni;
    नई दिल्ली|DL|110001, पुणे|MH|411001, Chennai|TN|600004; गांधी मार्ग, Temple Road, लोकमान्य पथ
TH 2; +66 2; {n} {street}; กมลชนก=Kamonchanok, ณัฐวุฒิ=Nattawut; ศรีสุข=Srisuk, วงศ์ทอง=Wongthong;
    กรุงเทพมหานคร||10200, เชียงใหม่||50200; ถนนพระอาทิตย์, ถนนท่าแพ
VN 3 family-first; +84 234; {n} {street}; Hòa, Thảo, Đức; Nguyễn Thị, Trần Văn, Đặng;
    Huế||530000, Hà Nội||100000; Lê Lợi, Phố Hàng Gai
CN 4 family-first; +86 21; {street}{n}号; 明=Ming, 秀英=Xiuying, 子涵=Zihan; 李=Li, 王=Wang, 欧阳=Ouyang;
    上海||200001, 成都||610000; 南京东路, 人民中路
TW 2 family-first; +886 2; {street}{n}號; 雅婷=Yating, 志豪=Zhihao; 林=Lin, 張=Chang;
    臺北市||100, 臺南市||700; 中山北路, 海安路
JP 9 family-first; +81 3; {street}{n}; 結衣=Yui, 健太=Kenta, さくら=Sakura, リョウ=Ryo;
    佐藤=Sato, 髙橋=Takahashi, 鈴木=Suzuki, 小鳥遊=Takanashi;
    京都市|京都府|604-8001, 札幌市|北海道|060-0001, 那覇市|沖縄県|900-0013; 木屋町通, 大通西, 国際通り
KR 4 family-first; +82 2; {street} {n}; 서연=Seoyeon, 민준=Minjun, 하늘=Haneul; 김=Kim, 박=Park, 남궁=Namgung;
    서울||04524, 부산||48058; 세종대로, 해운대로
US 26; +1 555; {n} {street}; Amelia, Tyrone, María José, Wei, Shanice, Chad; Jefferson, Nguyen, O’Brien,
    Hernández, Kowalski, Smith;
    Marietta|GA|30060, Chicago|IL|60614, Coeur d’Alene|ID|83814, New York|NY|10012; Peachtree Lane, N Halsted
    Street, Lakeview Drive
CA 6; +1 555; {n} {street}; Geneviève, Liam, Aputi, Chloé; Tremblay, MacKenzie, Bélanger, Singh;
    Montréal|QC|H2X 1Y4, Halifax|NS|B3H 1A1, Iqaluit|NU|X0A 0H0; rue Saint-Denis, Barrington Street
MX 3; +52 55; {street} {n}; Ximena, José Ángel, Itzel; Núñez, Ordóñez, Xochihua;
    Ciudad de México|CDMX|06000, Mérida|YUC|97000; Calle Cuauhtémoc, Avenida Juárez
BR 4; +55 11; {street}, {n}; João, Thaís, Antônio; Gonçalves, da Conceição, Assunção;
    São Paulo|SP|01310-100, Maceió|AL|57020-000; Rua das Laranjeiras, Avenida Brasília
AR 2; +54 11; {street} {n}; Agustín, Belén; Peñaloza, Gutiérrez;
    Córdoba|X|X5000, Ushuaia|V|V9410; San Martín, 9 de Julio
ZA 2; +27 21; {n} {street}; Thandiwe, Pieter, Lerato; Nkosi, Oosthuizen, Dlamini;
    Cape Town|WC|8001, eThekwini|KZN|4001; Long Street, Kerkstraat
AU 4; +61 3; {n} {street}; Bronwyn, Lachlan, Kirra; Wakefield, Papadakis, Nguyen;
    Hobart|TAS|7000, Wagga Wagga|NSW|2650; Elizabeth Street, Gum Tree Road
NZ 2; +64 4; {n} {street}; Aroha, Hēmi, Marama; Ngata, Te Kanawa, Wilson;
    Whangārei||0110, Ōtautahi Christchurch||8011; Cuba Street, Kōwhai Road
"""


class Name(NamedTuple):
    """A name as it is written, and in the letters of an e-mail address."""

    written: str
    plain: str


class City(NamedTuple):
    """A city with its region's code where addresses need one, and one of its postcodes."""

    name: str
    region: str
    postal_code: str


class Country(NamedTuple):
    """What an address and a name look like in one country."""

    code: str
    weight: int
    is_family_first: bool
    phone: str
    house: str
    given: tuple[Name, ...]
    family: tuple[Name, ...]
    cities: tuple[City, ...]
    streets: tuple[str, ...]


def name_of(text: str) -> Name:
    """Read one name."""
    written, _, said = text.partition("=")
    return Name(written, re.sub("[^a-z]", "", fold(said or written).translate(PLAIN)))


def _country(row: str) -> Country:
    """Read one country of the table."""
    head, telephone, house, given, family, cities, streets = " ".join(row.split()).split("; ")
    code, weight, *order = head.split(" ")
    return Country(
        code,
        int(weight),
        bool(order),
        telephone,
        house,
        tuple(name_of(name) for name in given.split(", ")),
        tuple(name_of(name) for name in family.split(", ")),
        tuple(City(*city.split("|")) for city in cities.split(", ")),
        tuple(streets.split(", ")),
    )


COUNTRIES = tuple(_country(row) for row in re.split(r"\n(?=\S)", TABLE.strip()))
BY_CODE = {country.code: country for country in COUNTRIES}


def street(rng: Random, country: Country) -> str:
    """Return a street with a house number, in the country's own order."""
    return country.house.format(street=rng.choice(country.streets), n=rng.randint(1, 148))


def phone(rng: Random, country: Country) -> str:
    """Return a telephone number that nobody has been given."""
    return f"{country.phone} {rng.randint(100, 999)} {rng.randint(0, 99):02}{rng.randint(0, 99):02}"
