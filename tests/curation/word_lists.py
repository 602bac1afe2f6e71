"""Words to make sentences of: common ones, with the accents and names that real data have."""


def _listed(words: str) -> list[str]:
    return [" ".join(word.split()) for word in words.split(",")]


FIRST_NAMES = _listed(
    """
    Ada, Amélie, Anaïs, Björn, Carlos, Chloé, Dmitri, Elif, Élodie, Fatima, Göran, Hélène, Imani, Inés,
    Jürgen, Kwame, Léa, Lucía, Mateusz, Mei, Nadia, Noah, Olu, Paweł, Priya, Quentin, Renée, Rosa, Sanjay,
    Søren, Tomás, Ute, Václav, Wanjiru, Xavier, Yara, Yusuf, Zoë, Ingrid, Bartholomew, Clementine, Desmond,
    Ottoline, Peregrine, Rosalind, Sebastian, Theodora, Winifred
    """
)
LAST_NAMES = _listed(
    """
    Abebe, Baptiste, Castellanos, Çelik, Dąbrowski, Eriksson, Fernández, Großmann, Haddad, Ibáñez,
    Johansson, Kovács, Lefèvre, Müller, Nguyễn, Okonkwo, Østergaard, Pereira, Quispe, Rahman, Schäfer,
    Takahashi, Ueda, Vasquez, Whitfield, Xu, Yamamoto, Zieliński, Ashworth, Blackwood, Carmichael, Drummond,
    Ellsworth, Fairchild, Grimsby, Holloway, Kingsley, Merriweather
    """
)
PLACES = _listed(
    """
    Aarhus, Bergen, Córdoba, Dakar, Évora, Fez, Göteborg, Hanoi, Izmir, Kraków, La Paz, Montréal, Nairobi,
    Oaxaca, Plzeň, Québec, Reykjavík, São Tomé, Tromsø, Ulm, Valparaíso, Wrocław, Yerevan, Zürich, Halifax,
    Leeds, Perth, Savannah, Tucson, Boulder, Cork, Dunedin, Exeter, Galway, Inverness, Kyoto, Lisbon,
    Mombasa, Naples, Odense
    """
)
THINGS = _listed(
    """
    accordion, almanac, anchor, aquarium, atlas, backpack, balcony, barometer, basket, battery, beehive,
    bicycle, blanket, bookshelf, bridge, brush, bucket, cabinet, camera, candle, canoe, carpet, catapult,
    ceiling, chart, chisel, clock, compass, cradle, curtain, drum, engine, envelope, fence, ferry, fiddle,
    fountain, furnace, garden, glacier, glove, hammer, harbour, helmet, hinge, kettle, kiln, kite, ladder,
    lantern, library, lighthouse, loom, magnet, map, market, meadow, microscope, mill, mirror, museum,
    notebook, oven, paddle, pendulum, piano, pillow, pipeline, plough, pump, quilt, radio, raft, rope,
    saddle, sail, satellite, scale, shovel, sieve, sledge, spectacle, stove, suitcase, sundial, telescope,
    tent, theatre, thermometer, tractor, tunnel, turbine, umbrella, violin, wagon, wheel, whistle, windmill,
    workshop, zip
    """
)
SUBJECTS = _listed(
    """
    photosynthesis, inflation, plate tectonics, compound interest, natural selection, supply and demand, the
    water cycle, herd immunity, the greenhouse effect, osmosis, relativity, recursion, jet lag,
    fermentation, dark matter, erosion, magnetism, the French Revolution, ocean currents, muscle memory,
    sourdough, composting, chess openings, double-entry bookkeeping, watercolour painting, sleep hygiene,
    soil acidity, the tides, gradient descent, caching, encryption, load balancing, version control, unit
    testing, garbage collection, type inference, migratory birds, coral bleaching, urban heat islands, bread
    baking, beekeeping, bicycle maintenance, marathon training, public speaking, time zones, leap years,
    prime numbers, standard deviation, the electoral college, mortgage rates, solar panels, heat pumps,
    knitting patterns, jazz harmony
    """
)
QUALITIES = _listed(
    """
    ancient, brittle, bright, broad, calm, careful, cheap, clever, coarse, cold, crooked, curious, damp,
    deep, delicate, dense, dusty, early, elegant, empty, faint, famous, fragile, gentle, gloomy, graceful,
    heavy, hollow, honest, humble, jagged, keen, late, lively, loose, lush, mellow, modest, narrow, noisy,
    odd, pale, plain, proud, quiet, rare, restless, robust, rough, rusty, shallow, sharp, slender, smooth,
    solid, sour, steep, sturdy, subtle, sudden, tender, thick, tidy, tiny, tough, vague, vivid, warm, weary,
    wild, wooden, young
    """
)
DEEDS = _listed(
    """
    borrowed, bought, built, carried, chose, cleaned, copied, counted, described, designed, discovered,
    drew, examined, explained, fixed, forgot, found, gathered, gave away, hid, imagined, improved,
    inherited, invented, kept, lifted, lost, measured, moved, noticed, ordered, packed, painted,
    photographed, polished, praised, raised, rebuilt, received, remembered, repaired, replaced, saved,
    sketched, sold, stored, studied, tested, threw out, traded, understood, unpacked, watched, weighed,
    wrapped
    """
)
WHENS = _listed(
    """
    after the long winter, at dawn, before breakfast, during the storm, for the first time in years, in the
    end, last autumn, late in the evening, on a Tuesday, once a month, only yesterday, since the spring, two
    days later, when nobody was looking, while it rained, within an hour, at the weekend, by the time the
    train left, every July
    """
)
WHYS = _listed(
    """
    because the old one had worn out, so that the neighbours could use it too, although nobody had asked,
    because it was cheaper than a new one, since the instructions were missing, as if it were made of glass,
    even though it took all afternoon, because the light was better there, so that nothing would be wasted,
    without telling anyone, in spite of the noise, because the weather was about to turn, since there was no
    room left, as the manual says, which turned out to be a mistake, which surprised everyone at the table,
    and that settled the question
    """
)
LINKS = _listed(
    """
    As a result, At the same time, By contrast, Eventually, Even so, For example, In practice, In short,
    Meanwhile, More often than not, Of course, On the other hand, Still, That said, Then again, To begin
    with, What is more
    """
)
GOODS = _listed(
    """
    apples, beads, bolts, books, bottles, bricks, buttons, cakes, cards, chairs, coins, cups, eggs, flowers,
    hats, jars, keys, lamps, lemons, letters, marbles, nails, onions, oranges, paintings, pears, pencils,
    plates, postcards, puzzles, ribbons, rolls, shells, spoons, stamps, stickers, stones, tickets, tiles,
    toys
    """
)
FOODS = _listed(
    """
    2 cups of flour, 3 eggs, ½ cup of milk, 200 g of crème fraîche, a pinch of salt, 1 tbsp of olive oil, 4
    cloves of garlic, ¼ tsp of nutmeg, 500 g of potatoes, 1 jalapeño, a handful of basil, 2 shallots, the
    zest of a lemon, 100 g of Gruyère, 1 tin of chickpeas, 3 sprigs of thyme, 250 ml of stock, 2 tsp of açaí
    powder, 80 g of butter, 1 red onion, 2 leeks, a bay leaf, 150 g of lentils, 1 aubergine, a splash of
    rosé, 6 figs
    """
)
IDENTIFIERS = _listed(
    """
    account, amount, average, balance, bucket, budget, buffer, cache, cell, colour, column, counter,
    customer, delay, distance, entry, event, factor, field, flag, frame, graph, group, height, index,
    invoice, item, job, key, label, layer, limit, line, margin, match, member, message, node, offset, order,
    owner, page, parent, path, payload, pixel, point, price, queue, range, rate, ratio, record, region,
    request, result, row, sample, score, segment, shape, signal, size, slot, stack, state, step, stock,
    stream, table, target, task, ticket, token, total, tree, user, value, vector, vertex, weight, width,
    window, word, zone
    """
)
EMOJI = ("🎉", "😊", "👍", "🚀", "🌱", "☕", "🙌", "👩‍🔬", "🇫🇷", "❤️", "✨", "🐝")
TRANSLATIONS = (
    (
        "French",
        "Où est {a} ? Il paraît qu’elle l’a laissé à {b}, près du café de {c}.",
        "le vélo|l’échelle|la clé|le théâtre|la forêt|l’hôtel|le bœuf|le garçon",
    ),
    (
        "German",
        "Wo ist {a}? Angeblich wurde es in {b} vergessen, gleich neben dem Café von {c}.",
        "das Fahrrad|der Schlüssel|die Leiter|das Gerät|die Straße|der Käse|das Öl|die Brücke",
    ),
    (
        "Spanish",
        "¿Dónde está {a}? Dicen que lo dejó en {b}, cerca del café de {c}.",
        "la bicicleta|el niño|la llave|el balcón|el corazón|la montaña|el árbol|el jabón",
    ),
    (
        "Polish",
        "Gdzie jest {a}? Podobno zostało w {b}, obok kawiarni, którą prowadzi {c}.",
        "rower|klucz|drabina|łódź|żaba|książka|źródło|ćma",
    ),
    (
        "Russian",
        "Где {a}? Говорят, что всё осталось в городе {b}, у кафе, где работает {c}.",
        "велосипед|ключ|лестница|лодка|книга|ёлка|чашка|мост",
    ),
    (
        "Chinese",
        "{a}在哪里？听说它被忘在{b}了，就在{c}的咖啡馆旁边。",
        "自行车|钥匙|梯子|书|小船|茶杯|桥|雨伞",
    ),
)
"""Language, an answer with gaps for a thing, a place and a person, and things for the first gap."""
