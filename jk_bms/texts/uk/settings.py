"""Що робить кожне налаштування, словами для дому."""

TEXTS = {
    "settings.BMS_MERGE_MAX_AGE": "Наскільки старий вимір ще записують до бази програми інвертора",
    "settings.BMS_SOC_SOURCE": (
        "Звідки береться заряд: пораховано тут, від BMS, за напругою комірок або перше з цього, що є"
    ),
    "settings.BMS_SOC_CURVE": "Заряд за середньою напругою комірок, для вибору «curve»",
    "settings.BMS_INVERT_CURRENT": "Змінити знак струму й потужності в записах програми інвертора",
    "settings.BMS_MERGE_ERROR_ROWS": "Додавати дані батареї й до записів із помилкою інвертора",
    "settings.BMS_MERGE_CELLS": "Додавати напругу всіх комірок до записів програми інвертора",
    "settings.BMS_MERGE_FIELDS": "Що туди записувати: те, що показує її сторінка, чи все",
    "settings.BOT_LANGUAGE": "Мова бота, тривог і підсумку дня",
    "settings.TELEGRAM_CHANGE_STEP": "Після якої зміни заряду бот надсилає повідомлення",
    "settings.LEVEL_SOURCE": "Що вважати рівнем у цих повідомленнях: заряд чи напругу",
    "settings.CHECK_INTERVAL": "Як часто перевіряти рівень і записувати його до журналу",
    "settings.DASHBOARD_URL": "Адреса кнопки під /status",
    "settings.ALERT_MIN_LEVEL": "Найменша важливість, про яку повідомляти",
    "settings.ALERT_REPEAT_HOURS": "Через який час нагадувати про тривогу, що триває; 0: ніколи",
    "settings.ALERT_STARTUP_DELAY": "Скільки часу після запуску не надсилати тривог",
    "settings.ALERT_CONFIRM": "Скільки поганих вимірів поспіль викликають тривогу",
    "settings.ALERT_CLEAR": "Скільки добрих вимірів поспіль її завершують",
    "settings.ALERT_CLEARED_NOTIFY": "Повідомляти, коли тривога минула",
    "settings.ALERT_QUIET_HOURS": "Години, коли надсилати лише критичні тривоги",
    "settings.ALERTS_OFF": "Коди тривог, яких ніколи не буде, навіть якщо від них залежить життя батареї",
    "settings.SUMMARY_TIME": "Коли надсилати підсумок дня",
    "settings.DIGEST_PERIOD": "Про що підсумок: день від півночі чи останні 24 години",
    "settings.LOG_LEVEL": "Наскільки докладний журнал",
    # Ті, що діють лише після перезапуску; англійською їх каже таблиця налаштувань
    "settings.DB_TYPE": "Який вид бази в програми інвертора",
    "settings.DB_PATH": "Файл бази програми інвертора; з BMS_STANDALONE_ROWS типово лежить поруч із BMS_DB_PATH",
    "settings.JK_BMS_ADDRESS": "Читати лише цей пристрій: його адреса, або simulated для вигаданої батареї",
    "settings.JK_BMS_POLL_INTERVAL": "Як часто новий вимір потрапляє до найновішого запису",
    "settings.JK_DEVICES_FILE": "Реєстр пристроїв",
    "settings.MAX_CONSECUTIVE_ERRORS": (
        "Після скількох невдалих з’єднань із пристроєм його адаптер Bluetooth вимикають і вмикають; такий, що не "
        "чує нічого, лагодять раніше"
    ),
    "settings.ALLOW_BLUETOOTH_RESTART": (
        "Перезапускати службу Bluetooth, коли нічого м’якшого не допомогло, щонайбільше раз на годину; потрібне "
        "правило від install.sh --allow-repairs"
    ),
    "settings.ALLOW_REBOOT": (
        "Перезавантажувати цю машину, коли Bluetooth не працює й новий запуск служби не допоміг, щонайбільше раз "
        "на годину; потрібне те саме правило"
    ),
    "settings.BMS_MERGE_WATCH": "Як часто шукати нові записи програми інвертора; 0: лише коли час для виміру",
    "settings.BMS_STANDALONE_ROWS": "Програми інвертора тут немає: створити базу й вставляти записи самим",
    "settings.STANDALONE_KEEP_DAYS": "Як довго зберігати записи, які ми вставили самі",
    "settings.BMS_SIMULATED_MERGE": "Лише для спроб: вигадана батарея може писати до записів програми інвертора",
    "settings.BMS_DB_PATH": "Наша власна база",
    "settings.HISTORY_PERIOD": "За скільки секунд вимірів зберігається один рядок історії",
    "settings.HISTORY_COMMIT": "Як часто історію записують на диск; 0: кожен рядок одразу, що зношує картку SD",
    "settings.BLOCK_KEEP_DAYS": "Як довго зберігати рядки HISTORY_PERIOD",
    "settings.MIN_KEEP_DAYS": (
        "Як довго зберігати середні за хвилину; чверті години зберігаються два роки, години й дні завжди"
    ),
    "settings.BACKUP_DIR": "Тека для щонічної копії bms.db; зберігаються останні сім",
    "settings.BMS_SOCKET": "Сокет, на якому служба відповідає інструменту й іншим програмам дому",
    "settings.JK_BMS_KEEP_ALIVE": (
        "Лишатися на зв’язку; false: з’єднатися, прочитати й піти, щоб застосунок на телефоні знаходив BMS у "
        "проміжках"
    ),
    "settings.JK_BMS_ADAPTER": "Адаптер Bluetooth, за назвою чи адресою",
    "settings.BLE_CONNECTIONS": (
        "Зі скількома батареями адаптер тримає зв’язок; якщо їх більше, останнє з’єднання переходить по черзі"
    ),
    "settings.JK_BMS_TIMEOUT": "Скільки чекати на з’єднання, а потім на перший повний вимір",
    "settings.TELEGRAM_BOT_TOKEN": "Токен бота, від @BotFather; без нього бота немає",
    "settings.TELEGRAM_CHAT_ID": (
        "Чати, які отримують тривоги й можуть питати, через кому; -100123:45 – це тема 45 форуму; команда "
        "/chatid називає номер чату і його теми"
    ),
    "settings.TELEGRAM_ALLOWED_USERS": "Хто може питати, через кому",
    "settings.BOT_DB_PATH": "Власна база бота: чати й надіслане",
    "settings.MIN_VOLTAGE": "Напруга батареї, що вважається за 0 % при LEVEL_SOURCE=voltage",
    "settings.MAX_VOLTAGE": "Напруга батареї, що вважається за 100 % при LEVEL_SOURCE=voltage",
    "settings.BOT_POLL_INTERVAL": "Як часто бот дивиться, чи відповідає монітор батареї",
    "settings.POLLING_INTERVAL": "Пауза між двома запитами до Telegram там, де він не тримає запит відкритим",
    "settings.LOG_FILE_PATH": "Файл із рядком за кожну перевірку рівня, щодня новий",
    "settings.LOG_KEEP_DAYS": "Як довго зберігати файли журналу минулих днів",
    "settings.LOG_HTTP_REQUESTS": "Записувати до журналу кожен запит до Telegram, без токена",
    "settings.TELEGRAM_API_URL": "Інший сервер Bot API, наприклад власний",
    "settings.HTTPS_PROXY": (
        "Проксі, HTTP чи SOCKS5, через який ідуть запити до Telegram, мовної моделі, ALERT_URLS і DEADMAN_URL; "
        "назви шукає теж він"
    ),
    "settings.NO_PROXY": "Вузли й домени з усім, що під ними, до яких ходять без проксі, через кому",
    "settings.ALERT_URLS": "Куди ще йдуть тривоги: адреси Apprise (пошта, ntfy, Signal, ...), через пробіл",
    "settings.DEADMAN_URL": (
        "Адреса, до якої звертаються кожні 5 хвилин, поки все гаразд, щоб інші помітили, коли ця машина замовкне"
    ),
    "settings.DIGEST_CHAT_ID": "Чати, які отримують підсумок, через кому",
    "settings.OPENAI_API_KEY": "З цим ключем мовна модель вибирає, що розповідає підсумок і в якому порядку",
    "settings.OPENAI_BASE_URL": (
        "Інша адреса, що розмовляє так само, зокрема й у самому домі, де ключ може бути непотрібен"
    ),
    "settings.OPENAI_MODEL": "Мовна модель",
    "settings.OPENAI_PROMPT": (
        "Що модель просять написати натомість, слово в слово; надсилається лише те, що кажуть факти"
    ),
    "settings.DIGEST_TIMEOUT": "Скільки чекати на одну відповідь моделі",
    "settings.DIGEST_MAX_CHARS": "Понад скільки знаків ряд, який дають моделі, проріджують",
    "settings.WEB_BIND": "Адреса цієї машини, на якій відповідає сторінка; 127.0.0.1: лише ця машина",
    "settings.WEB_PORT": "Порт сторінки; 0: будь-який вільний, для спроб",
    "settings.WEB_PASSWORD": "Пароль сторінки; заданий тут, на сторінці він не змінюється",
    "settings.WEB_READ_PUBLIC": (
        "Хто має доступ до сторінки, може бачити значення без входу; для програм, які входити не вміють"
    ),
    "settings.WEB_HOSTS": (
        "Інші назви, під якими відкривають сторінку, через кому; адреси, localhost і назви цієї машини годяться "
        "завжди"
    ),
    "settings.WEB_TRUSTED_PROXIES": (
        "Адреси проксі, яким вірять, коли вони кажуть, хто питає і чи через https (X-Forwarded-For, -Proto, "
        "-Host)"
    ),
    "settings.WEB_INGRESS_BIND": (
        "Адреса й порт, де сторінка відповідає ще й Home Assistant, чий вхід там дійсний; пускає лише того, кого називає "
        "WEB_TRUSTED_PROXIES"
    ),
    "settings.WEB_DB_PATH": "Власна база сторінки: хто увійшов",
    "settings.WEB_URL": "Адреса сторінки, яку кажуть людям",
    "settings.PUSH_CONTACT": (
        "Як служби доставки Apple, Google і Mozilla знайдуть відправника: ваша пошта або адреса, що починається "
        "з https://"
    ),
    "settings.PUSH_HOSTS": "Інші служби доставки, за кінцями їхніх назв, через кому",
    "settings.PUSH_MIN_LEVEL": "Найменша важливість, яку надсилають браузерам: info, warning, error чи critical",
    "settings.HOUSE": "Назва цього дому: позначка house на всьому, що йде до баз часових рядів",
    "settings.INFLUXDB_HOST": "Куди йдуть усі значення: InfluxDB або VictoriaMetrics; без порту це 8086",
    "settings.INFLUXDB_PATH": "Шлях перед /write, наприклад /insert/0/influx кластера VictoriaMetrics",
    "settings.INFLUXDB_USERNAME": "Користувач InfluxDB 1",
    "settings.INFLUXDB_PASSWORD": "І його пароль",
    "settings.INFLUXDB_TOKEN": (
        "Токен: InfluxDB 2 разом з INFLUXDB_ORG, інакше сервера, що впускає за Bearer, як-от vmauth"
    ),
    "settings.INFLUXDB_DATABASE": "База InfluxDB 1, bucket InfluxDB 2; для VictoriaMetrics лишіть порожнім",
    "settings.INFLUXDB_ORG": "Організація: якщо її задано, це InfluxDB 2",
    "settings.INFLUXDB_SSL": "Звертатися до нього через https",
    "settings.INFLUXDB_VERIFY_SSL": "Чи має його сертифікат бути справжнім",
    "settings.INFLUXDB_CA_FILE": "Сертифікати тих, хто міг його підписати",
    "settings.INFLUXDB_SERVER": "Який це сервер; auto: як кажуть його відповіді",
    "settings.INFLUXDB_NAMES": "Як називати значення: як BatMON чи як /metrics",
    "settings.INFLUXDB_PERIOD": "Як часто надсилати значення батареї",
    "settings.INFLUXDB_TIMEOUT": "Скільки чекати на відповідь",
    "settings.MQTT_BROKER": "Брокер MQTT, який отримує всі значення; без порту це 1883, з MQTT_TLS 8883",
    "settings.MQTT_USER": "Користувач на ньому",
    "settings.MQTT_PASSWORD": "І його пароль",
    "settings.MQTT_TLS": "Звертатися до нього через TLS; його сертифікат має бути справжнім",
    "settings.MQTT_CA_FILE": "Сертифікати тих, хто міг його підписати",
    "settings.MQTT_DISCOVERY": "Як Home Assistant дізнається про сутності: за пристроями, по одній (single) чи ніяк (off)",
    "settings.MQTT_DISCOVERY_PREFIX": "Тема, під якою він цього чекає",
    "settings.MQTT_TOPIC_PREFIX": "Стоїть перед усіма темами й id, коли на одному брокері кілька домів",
    "settings.MQTT_ANONYMOUS_CONTROL": "Мати кнопки й виконувати команди також без MQTT_USER",
    "settings.MQTT_INVERTER": "Надсилати й те, що каже інвертор",
    "settings.MQTT_INVERT_CURRENT": "Чи струм і потужність додатні під час заряду; false: під час розряду",
    "settings.PUBLISH_PERIOD": "Як часто надсилати значення батареї; струм, напруга й потужність усереднені",
    "settings.EXPIRE_VALUES_AFTER": "Вік останнього вимірювання, з якого батарея вважається недоступною",
    "settings.MQTT_TOPIC": "Тема, під якою батареї йдуть ще й у JSON, як у монітора Herak/Pico",
    "settings.PICO_DISCOVERY": "Розповідати Home Assistant про цей JSON",
    "settings.PICO_CLIENT_ID": "Назва перед тамтешніми id: назва старого пристрою збереже його сутності",
    "settings.METRICS_BIND": (
        "Адреса й порт, де /metrics відповідає Prometheus та подібним; порт 0: будь-який вільний, для спроб"
    ),
    "settings.METRICS_TOKEN": "Токен, який має знати той, хто там питає (Authorization: Bearer)",
    "settings.METRICS_PUBLIC": "Дозволити /metrics відповідати іншим машинам без токена",
    "settings.DEVICE_MAC": (
        "Адреса батареї, як її називають старіші встановлення; діє, поки її не називають ні JK_BMS_ADDRESS, ні "
        "реєстр"
    ),
    "settings.DEVICE_NAME": "Назва батареї з DEVICE_MAC чи JK_BMS_ADDRESS, якої немає в реєстрі",
    "settings.DEVICE_PROTOCOL": (
        "Протокол батареї з DEVICE_MAC, наприклад JK02; для старіших встановлень, бо JK BMS каже його сама"
    ),
    "settings.TIMEZONE": "Часовий пояс, у якому показано час",
    "settings.RUNTIME_DIRECTORY": "Тека для того, що перезавантаження може забути; задає systemd",
    "settings.JK_ENV_FILE": "Файл із цими налаштуваннями (це саме: лише середовище чи --env-file)",
    "settings.SETTINGS_FILE": (
        "Файл, у якому служба зберігає змінене через неї сторінкою чи інструментом; .env важливіший"
    ),
    "settings.HOUSE_FILE": "Файл, який каже те, що не про батарею: які тривоги судити інакше, для якої батареї",
    "settings.JK_ENV_SHARED": (
        "Той файл читає й інша програма: TELEGRAM_BOT_TOKEN у ньому від її бота, наш – BMS_BOT_TOKEN"
    ),
}
