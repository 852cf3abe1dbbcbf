"""Lies and honest texts that were written from fact sheets alone, by an engineer who had not read the proof.

Each is of a made day, named by its seed; ``tests.digest.made_days`` makes the day anew.
"""

ENGLISH_LIES: dict[int, tuple[str, ...]] = {
    3: (
        "The battery supplied the house for 8 hours because the grid was away.",
        "The grid was away for 8 hours, from 08:00 to 16:00.",
        "Over the whole day 2.0 kWh went in and 18.6 kWh went out.",
        "The lowest charge of 49.9 % was above the usual 52.1 %.",
        "The battery discharged less than usual: 18.6 kWh against 2.8 kWh.",
        "The first power cut began at 11:47 and the second at 04:25.",
        "The longer power cut came in the early morning, at 04:25.",
        "Each power cut lasted 40 minutes.",
        "The battery charged from empty to 100 % by 22:00.",
        "It was full at 22:00 and will be full tomorrow as well.",
        "At 09:15 the battery delivered 7207 W.",
        "The coldest moment came at 19:37 with -10.2 °C.",
        "The battery lost 49.8 % of its capacity.",
        "The charge fell to 49.8 % at 15:50.",
        "In the two power cuts the charge fell by 49.8 points.",
        "Without the grid the battery lasted 1 h 9 min.",
        "Friday was the coldest day of the week, -10.2 °C.",
        "The cells drifted apart by 107 mV, which means the balancer is failing.",
        "The charge was 99.7 % when the grid went away at 11:47.",
    ),
    4: (
        "The battery was never below 36.4 %.",
        "It was fully charged at 13:10.",
        "Between the two switches the battery recovered fully.",
        "The charge never fell below 30 %.",
        "The second time on battery was the deeper one.",
        "The sun brought the charge from 25.3 % back to 74.2 %.",
        "The battery reached 43.6 °C in the evening.",
        "The outage of 20 minutes happened while the battery was charging.",
        "When the last outage ended at 22:52 the battery was at 74.2 %.",
        "The battery ended the day with 67.4 kWh.",
        "The voltage dropped to 52.10 mV at 05:38.",
        "The battery ended Saturday fuller than it began.",
        "On Saturday the house ran on battery twice, for 26 minutes in total.",
        "The house stayed on battery without a break from 00:10 to 20:00.",
    ),
    7: (
        "The grid was stable all day.",
        "The last time on battery was the longest one.",
        "It was full again at 06:10, 10:10, 14:50 and 17:20.",
        "The battery took in less than usual, 13.6 kWh instead of 15.1 kWh.",
        "The house spent most of the day on battery.",
        "All four times the charge stayed above 86 %.",
        "The energy counters are complete for the day.",
    ),
    2: (
        "The grid was there all day without a gap.",
        "Cell 2 has been weak for 4 days.",
        "Cell 2 should be replaced soon.",
        "The weak cell 2 caused the difference of 48 mV.",
        "Energy out was 323 % of the usual.",
        "For 56 minutes the grid was away.",
        "The weak cell recovered by the end of the day.",
        "The mean energy in of the last 7 full days is 13.7 kWh.",
    ),
    0: (
        "Battery 1 ended the day at 89.7 %.",
        "Both batteries were full at 21:30.",
        "Battery 2 fell lower than battery 1.",
        "Nothing was recorded of either battery from 13:35 to 14:01.",
    ),
}

UKRAINIAN_LIES: dict[int, tuple[str, ...]] = {
    3: (
        "Протягом усього дня заряджено 2,0 кВт·год і віддано 18,6 кВт·год.",
        "Мережі не було з 08:00 до 16:00.",
        "Будинок перейшов на батарею, бо зникло світло.",
        "Світло вперше зникло об 11:47.",
        "Довше світла не було вранці – о 04:25.",
        "Найнижчий заряд 49,9 % кращий, ніж зазвичай (52,1 %).",
        "Батарея віддала менше, ніж зазвичай: 18,6 кВт·год замість 2,8 кВт·год.",
        "О 09:15 батарея віддавала 7207 Вт.",
        "Найхолодніше було ввечері: -10,2 °C.",
        "Батарея розрядилася повністю до 15:50.",
        "Заряд упав до 49,8 %.",
        "Завтра світла не буде з 11:47 до 12:27.",
        "Підсумок за четвер, 4 грудня.",
        "За 8 годин без мережі батарея втратила 49,8 пункту.",
        "Кожне відключення тривало менше ніж пів години.",
        "Середня температура була 22,4 °C.",
        "Напруга впала до 52,54 В через мороз.",
        "Найбільше споживання дому було о 01:09.",
        "Батарея весь день була повна.",
    ),
    4: (
        "Батарея знову зарядилася повністю о 13:10.",
        "Заряд не опускався нижче 36,4 %.",
        "Глибший розряд був увечері.",
        "День почався із зарядом 67,4 %.",
        "День закінчився з більшим зарядом, ніж почався.",
        "Сонце зарядило батарею до 74,2 %.",
        "Обидва відключення батарея пережила на повному заряді.",
        "О 22:52 заряд був 67,4 %.",
        "Разом будинок жив від батареї 26 хв.",
        "Віддано 20,0 кВт.",
        "Більшість енергії віддано вночі.",
        "Різниця між комірками зросла до 70 мВ через нагрів до 43,6 °C.",
        "У суботу мережа не зникала.",
        "Рекомендую підзарядити батарею перед ніччю.",
    ),
    7: (
        "Мережа працювала без перебоїв.",
        "Усі чотири рази заряд лишався вищим за 86 %.",
        "Найдовше від батареї жили востаннє.",
        "Заряджено 13,6 кВт·год, віддано 3,7 кВт·год.",
        "Енергія відома лише до 00:55.",
        "О 17:20 батарея знову була повна.",
        "Більшу частину дня дім живився від батареї.",
    ),
    2: (
        "Мережа була цілу добу.",
        "56 хв не було світла.",
        "Комірка 2 слабка вже чотири дні.",
        "Комірку 2 треба замінити.",
        "Усі комірки в порядку.",
        "Віддано 323 % від звичного.",
        "Заряджено на 8 % більше, ніж зазвичай.",
    ),
    0: (
        "Батарея 1 наприкінці дня мала 89,7 %.",
        "Обидві батареї були повні о 21:30.",
        "Запис батареї 2 почався о 04:00.",
        "Даних про обидві батареї не було 26 хв.",
        "Батарея 2 падала нижче, ніж батарея 1.",
    ),
}

ENGLISH_HONEST: dict[int, tuple[str, ...]] = {
    3: (
        "On Friday, December 4, 2026, the house switched to battery power once, from 08:00 to 16:00 (8 hours). "
        "The charge fell from 99.7 % to 49.9 %, and the battery was full again at 22:00.",
        "Good evening! Here is your summary for 4 December 2026. The grid was away twice, for 1 h 9 min in total: "
        "from 04:25 to 04:54 and from 11:47 to 12:27. The battery reached its lowest charge, 49.9 %, at 15:50.",
        "**Daily summary, 04-12-2026**\n\n- Lowest charge: 49.9% at 15:50\n- Highest charge: 100.0% at 01:50\n"
        "- Charge at the end of the day: 100.0%\n- Peak house load: 7207 W at 09:15\n- Temperature: -10.2 °C to 22.4 °C",
        "The day began with the battery at 85.0 % and ended with it at 100.0 %. The lowest point was 49.9 % at 15:50, "
        "a little below the usual 52.1 %.",
        "Energy is known only from 00:00 to 19:24: in that time 2.0 kWh went in and 18.6 kWh came out.",
        "The highest difference between the cells was 107 mV at 06:30. The lowest voltage was 52.54 V at 07:39.",
    ),
    4: (
        "Saturday, 5 December 2026: the house ran on battery twice. The first time, from 00:10 to 06:40, the charge "
        "dropped from 71.3 % to 25.3 %. The second time, from 13:10 to 20:00, it dropped from 74.2 % to 36.4 %. "
        "The battery was not fully charged again.",
        "The lowest charge of the day was 25.3 % at 06:30, and the highest was 74.2 % at 13:10. By the end of the day "
        "the battery stood at 67.4 %.",
        "There were two power cuts: 20 minutes from 04:21 and 6 minutes from 22:46.",
        "⚡ Grid: away 2 times (26 min in total)\n🔋 Battery: lowest 25.3 % (06:30), 67.4 % at the end\n"
        "🌡 Temperature: 7.3 to 43.6 °C\n🔌 Peak battery power: 3997 W at 09:09",
        "The longest time on battery lasted 6 h 50 min, and the charge fell by 37.8 points during it.",
    ),
    7: (
        "On Tuesday the house was on battery four times, and each time the battery was fully charged again "
        "afterwards: at 06:10, 10:10, 14:50 and 18:20.",
        "The lowest charge was 84.5 % at 08:30. The battery finished the day at 99.6 %.",
        "Since 00:55, 3.7 kWh were charged and 13.6 kWh were discharged; what came before is unknown. "
        "It is also unknown whether the grid was away.",
        "1. 02:00–04:20, 2 h 20 min, down to 86.1 %\n2. 06:20–08:40, 2 h 20 min, down to 84.5 %\n"
        "3. 10:40–13:20, 2 h 40 min, down to 86.0 %\n4. 15:00–17:20, 2 h 20 min, down to 88.4 %",
        "The cells were at most 105 mV apart, at 05:42. The temperature ranged from -1.2 °C to 23.7 °C.",
    ),
    2: (
        "Please note: cell 2 is weak. This has been certain since today.",
        "The battery delivered 24.6 kWh, far more than the usual 5.8 kWh (323 % more). It took in 12.7 kWh, "
        "8 % less than usual.",
        "No power cut was seen, but for 56 minutes, from 00:40 to 01:36, the state of the grid is unknown.",
        "Three switches to autonomous supply were recorded. The deepest was the first: the charge fell by 26.1 points, "
        "to 63.2 % at 06:30. After the third one the battery was full again at 22:50.",
        "Summary for Thursday, 3 December: 3 times on battery, minimum charge 63.2 % at 06:30, one full charge at 22:50.",
    ),
    0: (
        "The grid was not lost on 1 December 2026. The house ran on battery four times, and the last time, "
        "since 21:30, is still going on.",
        "Battery 1 (shed) had its lowest charge, 67.2 %, at 08:30 and ended the day at 86.1 %. Battery 2 (shed other) "
        "had its lowest charge, 87.5 %, at 00:00 and ended at 93.3 %.",
        "Taken together, the batteries were charged with 28.9 kWh and gave 28.7 kWh. The house needed at most 1210 W, "
        "at 15:38.",
        "No data was recorded for battery 2 from 13:35 to 14:01 (26 minutes). The recording of battery 1 began at 04:00.",
    ),
    6: (
        "The house ran on battery six times on Monday, 7 December. The grid was away once, for 38 minutes, "
        "from 15:15 to 15:53.",
        "Recording started at 05:29. Charge: lowest 79.7 % at 09:50, highest 100 % at 21:30, 95.9 % at the end of the day.",
        "15.7 kWh were charged (usually 12.9 kWh) and 17.5 kWh were discharged (usually 2.8 kWh). One cell, number 15, "
        "is weak.",
    ),
    5: (
        "On Sunday the battery supplied the house twice: from midnight to 07:10 and from 14:10 to 21:30. It was full "
        "again at 13:50, after the first time.",
        "The peak load of the house was 8.8 kW at 11:24, and the most that the battery gave was 2885 W at 17:04.",
    ),
}

UKRAINIAN_HONEST: dict[int, tuple[str, ...]] = {
    3: (
        "У п’ятницю, 4 грудня 2026 року, дім один раз перейшов на живлення від батареї – з 08:00 до 16:00 (8 годин). "
        "Заряд упав з 99,7 % до 49,9 %, а о 22:00 батарея знову була повна.",
        "Доброго вечора! Ось підсумок за 4 грудня. Мережа зникала двічі, загалом на 1 год 9 хв: з 04:25 до 04:54 "
        "та з 11:47 до 12:27. Найнижчий заряд – 49,9 % о 15:50.",
        "**Підсумок дня 04-12-2026**\n\n- Найнижчий заряд: 49,9 % о 15:50\n- Найвищий заряд: 100,0 % о 01:50\n"
        "- Заряд наприкінці дня: 100,0 %\n- Пікове навантаження дому: 7207 Вт о 09:15\n- Температура: від -10,2 до 22,4 °C",
        "День почався із зарядом 85,0 %, а завершився на 100,0 %. Мінімум становив 49,9 % о 15:50 – трохи нижче "
        "за звичні 52,1 %.",
        "Дані про енергію є лише з 00:00 до 19:24: за цей час заряджено 2,0 кВт·год, а віддано 18,6 кВт·год.",
        "Найбільша різниця між комірками становила 107 мВ о 06:30. Найнижча напруга – 52,54 В о 07:39.",
    ),
    4: (
        "Субота, 5 грудня 2026 року: дім двічі живився від батареї. Першого разу, з 00:10 до 06:40, заряд знизився "
        "з 71,3 % до 25,3 %. Другого разу, з 13:10 до 20:00, – з 74,2 % до 36,4 %. Повністю батарея не зарядилася.",
        "Найнижчий заряд за день – 25,3 % о 06:30, найвищий – 74,2 % о 13:10. На кінець дня в батареї було 67,4 %.",
        "Було два відключення світла: 20 хвилин з 04:21 і 6 хвилин з 22:46.",
        "⚡ Мережа: зникала 2 рази (разом 26 хв)\n🔋 Батарея: мінімум 25,3 % (06:30), наприкінці 67,4 %\n"
        "🌡 Температура: 7,3–43,6 °C\n🔌 Пікова потужність батареї: 3997 Вт о 09:09",
        "Найдовше дім жив від батареї 6 год 50 хв, за цей час заряд упав на 37,8 пункту.",
    ),
    7: (
        "У вівторок дім чотири рази живився від батареї, і щоразу вона потім заряджалася повністю: "
        "о 06:10, 10:10, 14:50 та 18:20.",
        "Найнижчий заряд становив 84,5 % о 08:30. Наприкінці дня батарея мала 99,6 %.",
        "З 00:55 заряджено 3,7 кВт·год і віддано 13,6 кВт·год; що було раніше, невідомо. Також невідомо, чи зникала мережа.",
        "1. 02:00–04:20, 2 год 20 хв, до 86,1 %\n2. 06:20–08:40, 2 год 20 хв, до 84,5 %\n"
        "3. 10:40–13:20, 2 год 40 хв, до 86,0 %\n4. 15:00–17:20, 2 год 20 хв, до 88,4 %",
        "Комірки розходилися щонайбільше на 105 мВ, о 05:42. Температура коливалася від -1,2 °C до 23,7 °C.",
    ),
    2: (
        "Зверніть увагу: комірка 2 слабка. Це стало відомо сьогодні.",
        "Батарея віддала 24,6 кВт·год – значно більше, ніж зазвичай (5,8 кВт·год, на 323 % більше). "
        "Заряджено 12,7 кВт·год, на 8 % менше, ніж зазвичай.",
        "Відключень світла не помічено, але протягом 56 хвилин, з 00:40 до 01:36, стан мережі невідомий.",
        "Зафіксовано три переходи на автономне живлення. Найглибшим був перший: заряд упав на 26,1 пункту, до 63,2 % "
        "о 06:30. Після третього батарея знову була повна о 22:50.",
        "Підсумок за четвер, 3 грудня: 3 рази на батареї, мінімальний заряд 63,2 % о 06:30, один повний заряд о 22:50.",
    ),
    0: (
        "1 грудня 2026 року мережа не зникала. Дім чотири рази живився від батареї, і востаннє, з 21:30, це триває досі.",
        "Батарея 1 (shed) мала найнижчий заряд 67,2 % о 08:30, а наприкінці дня – 86,1 %. Батарея 2 (shed other) – "
        "87,5 % о 00:00 та 93,3 % наприкінці.",
        "Разом батареї отримали 28,9 кВт·год і віддали 28,7 кВт·год. Дім споживав щонайбільше 1210 Вт, о 15:38.",
        "Даних про батарею 2 не було з 13:35 до 14:01 (26 хвилин). Запис батареї 1 почався о 04:00.",
    ),
    6: (
        "У понеділок, 7 грудня, дім шість разів переходив на батарею. Світло зникало один раз, на 38 хвилин, "
        "з 15:15 до 15:53.",
        "Запис розпочався о 05:29. Заряд: найнижчий 79,7 % о 09:50, найвищий 100 % о 21:30, наприкінці дня 95,9 %.",
        "Заряджено 15,7 кВт·год (зазвичай 12,9 кВт·год), віддано 17,5 кВт·год (зазвичай 2,8 кВт·год). Одна комірка, "
        "номер 15, слабка.",
    ),
    5: (
        "У неділю батарея двічі живила дім: з опівночі до 07:10 та з 14:10 до 21:30. Після першого разу, о 13:50, "
        "вона знову була повна.",
        "Пікове навантаження дому – 8,8 кВт об 11:24, а найбільша потужність від батареї – 2885 Вт о 17:04.",
    ),
}
